use serde::{Deserialize, Serialize};

/// The files of a container, as far as something is done with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Disk {
    /// `workingDir`: where paths begin that do not begin with `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// The folder that a web server serves (Apache's `DocumentRoot`, nginx' `root`). Without one it has no files, and
    /// answers with its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_root: Option<String>,
    /// `volumeMounts`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_mounts: Vec<VolumeMount>,
    /// The files its image has, or that it makes when it starts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
}

impl Disk {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a container has one of its pod's volumes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeMount {
    /// The volume.
    pub name: String,
    /// `mountPath`.
    pub mount_path: String,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Its path; below the working directory where it does not begin with `/`.
    pub path: String,
    /// What is in it.
    pub text: String,
}
