//! What istiod and Istio's objects say, decoded leniently. No questions are asked here.

pub mod log_line;
pub mod rbac_log;
pub mod request_auth;
pub mod syncz;
pub mod version;
