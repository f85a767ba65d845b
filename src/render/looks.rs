//! How standard output and standard error look, for all that write there: said once, and free to change meanwhile.

use super::Look;
use std::sync::{Arc, PoisonError, RwLock};

/// How both outputs look. Whoever holds this sees what was set since.
#[derive(Debug, Clone, Default)]
pub struct Looks(Arc<RwLock<Both>>);

#[derive(Debug, Clone, Copy, Default)]
struct Both {
    out: Look,
    err: Look,
}

impl Looks {
    /// These of standard output and standard error.
    pub fn new(out: Look, err: Look) -> Self {
        Self(Arc::new(RwLock::new(Both { out, err })))
    }

    /// From now on, they look like this.
    pub fn set(&self, out: Look, err: Look) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Both { out, err };
    }

    /// How standard output looks, on the terminal as it is now.
    pub fn out(&self) -> Look {
        self.both().out.now()
    }

    /// How standard error looks, on the terminal as it is now.
    pub fn err(&self) -> Look {
        self.both().err.now()
    }

    fn both(&self) -> Both {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_hold_them_see_what_is_set() {
        let looks = Looks::default();
        let held = looks.clone();
        looks.set(Look::fitted(40), Look { color: true, ..Look::plain() });
        assert_eq!((held.out().width, held.out().color), (Some(40), false));
        assert_eq!((held.err().width, held.err().color), (None, true));
    }
}
