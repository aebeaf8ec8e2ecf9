//! The files of a pod's containers. A volume is one place that several of them see.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::kube::Container;

/// The files of all containers of a pod.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// By where they are, and their path there.
    texts: BTreeMap<(Store, String), String>,
    mounts: Vec<Mount>,
    containers: Vec<String>,
}

/// What holds files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Store {
    Container(String),
    Volume(String),
}

#[derive(Clone, Debug)]
struct Mount {
    container: String,
    path: String,
    volume: String,
}

impl Files {
    /// The files that containers have or make when they start, in the order of their declaration.
    pub fn of(containers: &[Container]) -> Self {
        let mut files = Self::default();
        for Container { name: container, disk, .. } in containers {
            files.containers.push(container.clone());
            files.mounts.extend(disk.volume_mounts.iter().map(|mount| Mount {
                container: container.clone(),
                path: clean(&mount.mount_path),
                volume: mount.name.clone(),
            }));
            let folder = disk.working_dir.as_deref().unwrap_or("/");
            for file in &disk.files {
                let path =
                    if file.path.starts_with('/') { file.path.clone() } else { format!("{folder}/{}", file.path) };
                files.write(container, &path, &file.text);
            }
        }
        files
    }

    /// The names of the containers.
    pub fn containers(&self) -> impl Iterator<Item = &str> {
        self.containers.iter().map(String::as_str)
    }

    /// Makes or replaces a file, as a container sees it.
    pub fn write(&mut self, container: &str, path: &str, text: &str) {
        let place = self.place(container, path);
        self.texts.insert(place, text.to_owned());
    }

    /// What is in a file, as a container sees it.
    pub fn read(&self, container: &str, path: &str) -> Option<&str> {
        self.texts.get(&self.place(container, path)).map(String::as_str)
    }

    /// Whether something is below a path.
    pub fn is_folder(&self, container: &str, path: &str) -> bool {
        let whole = clean(path);
        let (store, path) = self.place(container, path);
        let folder = format!("{}/", path.trim_end_matches('/'));
        let first = (store.clone(), folder.clone());
        let next = self.texts.range((Bound::Included(&first), Bound::Unbounded)).next();
        next.is_some_and(|((at, path), _)| *at == store && path.starts_with(&folder))
            || self.mounts.iter().any(|mount| mount.container == container && mount.path == whole)
    }

    /// Where a path of a container is: in the volume that is mounted deepest above it, or in the container itself.
    fn place(&self, container: &str, path: &str) -> (Store, String) {
        let path = clean(path);
        let above = |mount: &&Mount| {
            let rest = path.strip_prefix(mount.path.trim_end_matches('/'));
            mount.container == container && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match self.mounts.iter().filter(above).max_by_key(|mount| mount.path.len()) {
            Some(mount) => {
                let rest = &path[mount.path.trim_end_matches('/').len()..];
                (Store::Volume(mount.volume.clone()), if rest.is_empty() { "/".into() } else { rest.to_owned() })
            }
            None => (Store::Container(container.to_owned()), path),
        }
    }
}

/// A path without empty elements and without a slash at its end.
fn clean(path: &str) -> String {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::{Disk, File, VolumeMount};

    fn container(name: &str, mount: Option<(&str, &str)>, files: &[(&str, &str)]) -> Container {
        let volume_mounts = mount.map(|(name, path)| VolumeMount { name: name.into(), mount_path: path.into() });
        let files = files.iter().map(|(path, text)| File { path: (*path).into(), text: (*text).into() });
        let disk = Disk {
            working_dir: Some("/srv".into()),
            volume_mounts: volume_mounts.into_iter().collect(),
            files: files.collect(),
            ..Disk::default()
        };
        Container { name: name.into(), disk, ..Container::default() }
    }

    #[test]
    fn a_volume_is_one_place_with_two_paths() {
        let mut files = Files::of(&[
            container("nginx", Some(("shared", "/usr/share/nginx/html")), &[("a.txt", "mine")]),
            container("debian", Some(("shared", "/pod-data/")), &[("/pod-data//index.html", "hello")]),
        ]);
        assert_eq!(files.read("nginx", "/usr/share/nginx/html/index.html"), Some("hello"));
        assert_eq!(files.read("nginx", "/pod-data/index.html"), None);
        assert_eq!((files.read("nginx", "/srv/a.txt"), files.read("debian", "/srv/a.txt")), (Some("mine"), None));
        files.write("debian", "/pod-data/sub/x", "new");
        assert_eq!(files.read("nginx", "/usr/share/nginx/html/sub/x"), Some("new"));
        assert!(files.is_folder("nginx", "/usr/share/nginx/html/sub"));
        assert!(files.is_folder("nginx", "/usr/share/nginx/html"));
        assert!(!files.is_folder("nginx", "/usr/share/nginx/htm"));
        assert!(!files.is_folder("nginx", "/usr/share/nginx/html/index.html"));
    }
}
