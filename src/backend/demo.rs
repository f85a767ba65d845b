//! The demo tape: a real mesh, recorded while istiod could not fetch a token issuer's keys. Embedded, so that it is always there.

use super::Tape;
use crate::error::Result;

/// Open the demo tape.
///
/// # Errors
/// Never for a tape that its tests opened.
pub fn demo() -> Result<Tape> {
    Tape::from_bytes("the demo", include_bytes!("../../tests/tapes/jwks-certificate-fault.tape"))
}
