//! The artifact store where none is set: it is typed in the dialog that sends
//! proofs, and kept as long as the program runs.

use super::form::Value;
use super::launch::Field;
use super::popup::Popup;
use super::{App, World};
use crate::ui::widgets::input::Input;
use crate::ui::{Role, TypedStore};

/// Which one it is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Which {
    #[default]
    Redis,
    S3,
    /// The one that was set for another cluster.
    Set,
}

/// What was typed of it.
#[derive(Clone, Default)]
pub struct StoreForm {
    which: Which,
    /// The one that was set for another cluster.
    set: Option<String>,
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
    /// Nothing is typed yet. `set`: the store of another cluster, which may be
    /// this one's too.
    pub(super) fn new(set: Option<String>) -> Self {
        Self { set, ..Self::default() }
    }

    pub(super) const fn fields(&self) -> &'static [Field] {
        match self.which {
            Which::Redis => &[Field::Store, Field::Urls],
            Which::S3 => &[Field::Store, Field::Bucket, Field::Region],
            Which::Set => &[Field::Store],
        }
    }

    pub(super) fn row(&self, field: Field) -> (&'static str, Value<'_>) {
        match field {
            Field::Urls => ("its URLs", Value::Urls(&self.urls, "redis://:PASSWORD@HOST:6379, several with commas")),
            Field::Bucket => ("bucket", Value::Text(&self.bucket, "as NODE_S3_BUCKET of the nodes")),
            Field::Region => ("region", Value::Text(&self.region, "of the bucket")),
            _ => ("store", Value::Choice(self.choices().into_iter().map(|(name, w)| (name, w == self.which)).collect())),
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

    /// Takes one of its choices.
    pub(super) fn choose(&mut self, i: usize) {
        if let Some((_, which)) = self.choices().get(i) {
            self.which = *which;
            self.taken = false;
        }
    }

    fn choices(&self) -> Vec<(&'static str, Which)> {
        let set = self.set.as_ref().map(|_| ("the one that was set", Which::Set));
        [("Redis", Which::Redis), ("S3", Which::S3)].into_iter().chain(set).collect()
    }

    /// What is to be known of it.
    pub(super) fn note(&self) -> (Role, String) {
        match &self.set {
            Some(set) if self.which == Which::Set => (
                Role::Warn,
                format!(
                    "{set} was set for the cluster that sp1top began with. In a store that is not this cluster's no worker finds the proof's program."
                ),
            ),
            Some(set) => (
                Role::Dim,
                format!(
                    "{set} was set for the cluster that sp1top began with: give this one's. It is kept as long as sp1top runs, and written nowhere."
                ),
            ),
            None => (Role::Dim, "No store is set: the one that is typed here is kept as long as sp1top runs, and written nowhere.".into()),
        }
    }

    pub(super) const fn is_taken(&self) -> bool {
        self.taken
    }

    /// What is not typed yet, and where it is known from.
    pub(super) fn lacks(&self) -> Option<&'static str> {
        let empty = |i: &Input| i.text().trim().is_empty();
        match self.which {
            Which::Redis if empty(&self.urls) => {
                Some("type the URLs of the Redis that the cluster's nodes use: NODE_REDIS_NODES of its Deployments")
            }
            Which::S3 if empty(&self.bucket) => Some("type the bucket that the cluster's nodes use: NODE_S3_BUCKET of its Deployments"),
            _ => None,
        }
    }

    pub(super) fn typed(&self) -> TypedStore {
        let text = |i: &Input| i.text().trim().to_owned();
        match self.which {
            Which::Redis => TypedStore::Redis(text(&self.urls)),
            Which::S3 => TypedStore::S3 { bucket: text(&self.bucket), region: text(&self.region) },
            Which::Set => TypedStore::Set,
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
