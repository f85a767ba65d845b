//! Which tokens a mesh is told to accept, by its own objects.

use super::Mesh;
use super::objects::list_of;
use crate::error::{Kind, Result};
use crate::istio::request_auth::{JwtRule, jwt_rules as decode};

/// The rules of all RequestAuthentications; of `Policy` objects where the mesh is as old as those.
///
/// # Errors
/// When they may not be read, or the cluster knows neither kind.
pub async fn jwt_rules(mesh: &Mesh, namespace: Option<&str>) -> Result<Vec<JwtRule>> {
    match list_of(mesh, "requestauthentications.security.istio.io", namespace).await {
        Err(error) if error.kind() == Kind::NotFound => {
            let old = list_of(mesh, "policies.authentication.istio.io", namespace).await;
            old.map(|objects| decode(&objects)).map_err(|_| error)
        }
        objects => Ok(decode(&objects?)),
    }
}
