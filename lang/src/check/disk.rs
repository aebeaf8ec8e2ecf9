//! What is on the disks of containers: files, volumes, the folder that a web server serves.

use netscene_core::kube::{Disk, File, VolumeMount};

use super::Checker;
use super::declare::Field;
use crate::ast::{Statement, StatementKind, Text};
use crate::suggest::question;
use crate::{Code, Diagnostic, Word};

/// The fields of a container that are about its files.
#[derive(Default)]
pub(super) struct DiskFields {
    folders: [Field<String>; 2],
    volume_mounts: Vec<VolumeMount>,
    files: Vec<File>,
}

impl Checker<'_> {
    /// Takes a field of a container that is about its files. It says whether the field is one.
    pub(super) fn disk_field(&mut self, disk: &mut DiskFields, volumes: &[Text], field: &Statement) -> bool {
        match &field.kind {
            StatementKind::Folder { word, path } => {
                let place = usize::from(*word == Word::WorkingDir);
                disk.folders[place].set(self, word.text(), field.span, Some(path.text.clone()));
            }
            StatementKind::VolumeMount { name, path } => {
                let names = || volumes.iter().map(|volume| volume.text.as_str());
                if !names().any(|volume| volume == name.text) {
                    let title = format!("the pod has no volume `{}`", name.text);
                    let label = question(&name.text, names()).unwrap_or_else(|| "not declared in this pod".to_owned());
                    let hint = format!("write `volume {}` above the containers", name.text);
                    self.report(Diagnostic::error(Code::UnknownName, title).at(name.span, label).hint(hint));
                }
                disk.volume_mounts.push(VolumeMount { name: name.text.clone(), mount_path: path.text.clone() });
            }
            StatementKind::File { path, text, assets } => {
                if disk.files.iter().any(|file| file.path == path.text) {
                    let title = format!("the container has the file `{}` already", path.text);
                    self.report(Diagnostic::error(Code::Duplicate, title).at(path.span, "given again here"));
                }
                let text = match text {
                    Some(text) => text.text.clone(),
                    None if assets.is_empty() => format!("{}\n", path.text),
                    None => page(assets),
                };
                disk.files.push(File { path: path.text.clone(), text });
            }
            _ => return false,
        }
        true
    }
}

impl DiskFields {
    pub(super) fn disk(self) -> Disk {
        let [document_root, working_dir] = self.folders.map(|field| field.value);
        Disk { working_dir, document_root, volume_mounts: self.volume_mounts, files: self.files }
    }
}

/// A page that needs scripts, styles and images.
fn page(assets: &[Text]) -> String {
    let tag = |asset: &Text| {
        let reference = &asset.text;
        let path = reference.split('?').next().unwrap_or_default();
        match path.rsplit('.').next() {
            Some("css") => format!("<link rel=\"stylesheet\" href=\"{reference}\">\n"),
            Some("js") => format!("<script src=\"{reference}\"></script>\n"),
            _ => format!("<img src=\"{reference}\">\n"),
        }
    };
    let tags: String = assets.iter().map(tag).collect();
    format!("<html>\n{tags}</html>\n")
}
