use crate::WriteError;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};

/// A snapshot that is not complete: a directory with a temporary name beside the one that it
/// is to get. It is removed when it is dropped before it got it.
pub(super) struct Partial {
    path: PathBuf,
    destination: PathBuf,
    complete: bool,
}

impl Partial {
    pub(super) fn create(destination: &Path) -> Result<Self, WriteError> {
        let (Some(parent), Some(name)) = (destination.parent(), destination.file_name()) else {
            return Err(WriteError::NoName {
                path: destination.to_owned(),
            });
        };
        refuse_existing(destination)?;
        let mut builder = DirBuilder::new();
        // From the start, because a heap holds secrets.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // One that was killed may have left the first of these names behind.
        for attempt in 0..100 {
            let path = parent.join(temporary(name, attempt));
            match builder.create(&path) {
                Ok(()) => {
                    return Ok(Self {
                        path,
                        destination: destination.to_owned(),
                        complete: false,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(WriteError::io(destination, error)),
            }
        }
        Err(WriteError::io(
            destination,
            io::ErrorKind::AlreadyExists.into(),
        ))
    }

    /// Where the files go for now.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the directory its name.
    pub(super) fn complete(mut self) -> Result<(), WriteError> {
        // A rename would replace an empty directory without a word.
        refuse_existing(&self.destination)?;
        fs::rename(&self.path, &self.destination)
            .map_err(|error| WriteError::io(&self.destination, error))?;
        self.complete = true;
        Ok(())
    }

    /// Moves these files to where the directory would have gone, one after the other, and
    /// removes it. They replace what is there.
    pub(super) fn into_place(self, files: &[&str]) -> Result<(), WriteError> {
        for file in files {
            let to = self.destination.with_file_name(file);
            fs::rename(self.path.join(file), &to).map_err(|error| WriteError::io(&to, error))?;
        }
        Ok(())
    }

    /// An error that names a file as the user knows it.
    pub(super) fn as_named(&self, mut error: WriteError) -> WriteError {
        if let WriteError::Io { path, .. } | WriteError::Encode { path, .. } = &mut error
            && let Ok(file) = path.strip_prefix(&self.path)
        {
            *path = self.destination.join(file);
        }
        error
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.complete {
            // There is nobody to tell, and what led here is the error that matters.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn temporary(name: &OsStr, attempt: u32) -> PathBuf {
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{attempt}.partial", std::process::id()));
    temporary.into()
}

fn refuse_existing(destination: &Path) -> Result<(), WriteError> {
    match fs::symlink_metadata(destination) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(WriteError::io(destination, error)),
        Ok(_) => Err(WriteError::Exists {
            path: destination.to_owned(),
        }),
    }
}
