//! Lenient decoding of what Envoy says of itself, in Envoy's spelling (`snake_case`) and in istiod's (`camelCase`), today's
//! documents and those of 2020. Unknown fields never break anything.

mod http_filters;
mod jwt_authn;
mod listeners;
mod raw;

pub use http_filters::{Filter, filters};
pub use jwt_authn::Provider;
