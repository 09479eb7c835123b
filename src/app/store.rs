//! The artifact store where none is set: it is typed in the dialog that sends
//! proofs, and kept as long as the program runs.

use super::form::Value;
use super::launch::Field;
use super::popup::Popup;
use super::{App, World};
use crate::ui::TypedStore;
use crate::ui::widgets::input::Input;

/// What was typed of it.
#[derive(Clone, Default)]
pub struct StoreForm {
    s3: bool,
    urls: Input,
    bucket: Input,
    region: Input,
    /// It was taken as it stands.
    taken: bool,
}

// It may hold passwords.
impl std::fmt::Debug for StoreForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.typed().fmt(f)
    }
}

impl StoreForm {
    pub(super) const fn fields(&self) -> &'static [Field] {
        if self.s3 { &[Field::Store, Field::Bucket, Field::Region] } else { &[Field::Store, Field::Urls] }
    }

    pub(super) fn row(&self, field: Field) -> (&'static str, Value<'_>) {
        match field {
            Field::Urls => ("its URLs", Value::Urls(&self.urls, "redis://:PASSWORD@HOST:6379, several with commas")),
            Field::Bucket => ("bucket", Value::Text(&self.bucket, "as NODE_S3_BUCKET of the nodes")),
            Field::Region => ("region", Value::Text(&self.region, "of the bucket")),
            _ => ("store", Value::Choice(vec![("Redis", !self.s3), ("S3", self.s3)])),
        }
    }

    /// The text of a field; whoever asks is about to change it.
    pub(super) const fn input(&mut self, field: Field) -> Option<&mut Input> {
        self.taken = false;
        match field {
            Field::Urls => Some(&mut self.urls),
            Field::Bucket => Some(&mut self.bucket),
            Field::Region => Some(&mut self.region),
            _ => None,
        }
    }

    pub(super) const fn turn(&mut self) {
        self.s3 = !self.s3;
        self.taken = false;
    }

    pub(super) const fn is_taken(&self) -> bool {
        self.taken
    }

    pub(super) fn typed(&self) -> TypedStore {
        let text = |i: &Input| i.text().trim().to_owned();
        if self.s3 {
            TypedStore::S3 { bucket: text(&self.bucket), region: text(&self.region) }
        } else {
            TypedStore::Redis(text(&self.urls))
        }
    }
}

impl App {
    /// The store that was typed is taken, or is not.
    pub(super) fn store_answered(&mut self, answer: Result<String, String>, world: &World<'_>) {
        let Some(Popup::Launch(mut form)) = self.popup.take() else { return };
        match answer {
            Ok(name) => {
                self.prover.store = Some(Ok(name));
                if let Some(store) = &mut form.store {
                    store.taken = true;
                }
                self.typed_store.clone_from(&form.store);
                self.ask_launch(form, world);
            }
            Err(why) => {
                form.wrong = Some(why);
                self.popup = Some(Popup::Launch(form));
            }
        }
    }
}
