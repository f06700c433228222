//! Kubeconfigs: an error has no secret in it, and the settings are those that kubectl would use.

use arbitrary::{Arbitrary, Unstructured};
use largescale::cluster::{ClusterFlags, Environment, Inspected, inspect_kubeconfig};
use serde_json::{Value, json};

use super::checks::text;
use super::json::{Edit, Text};

/// Any text.
pub fn texts(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let _ = inspected(text, &ClusterFlags::default());
    let named = ClusterFlags {
        context: Some("c".to_owned()),
        namespace: Some("web".to_owned()),
        ..ClusterFlags::default()
    };
    if let Ok(found) = inspected(text, &named) {
        assert_eq!((found.context.as_str(), found.namespace.as_str()), ("c", "web"));
    }
}

fn inspected(text: &str, flags: &ClusterFlags) -> Result<Inspected, String> {
    let environment = Environment {
        https_proxy: Some("http://proxy:3128".to_owned()),
        no_proxy: Some("10.0.0.0/8,.example.com".to_owned()),
        ..Environment::default()
    };
    let found = inspect_kubeconfig(text, flags, &environment).map_err(|error| {
        let shown = format!("{error}");
        assert!(!shown.is_empty());
        format!("{shown} {error:?} {:?}", std::error::Error::source(&error).map(ToString::to_string))
    })?;
    assert!(found.server.starts_with("http://") || found.server.starts_with("https://"), "{}", found.server);
    assert!(!found.namespace.is_empty());
    Ok(found)
}

#[derive(Arbitrary, Debug)]
struct Fields {
    server: u8,
    edits: Vec<Edit>,
    secret_at: u8,
    cluster: Option<Text>,
    user: Option<Text>,
}

/// A text that no error may have.
const SECRET: &str = "S3CRET0ddFi5h";

const SERVERS: &[&str] = &[
    "https://api.example.com:6443",
    "https://10.1.2.3",
    "http://localhost:8080",
    "api.example.com",
    "https://[::1]:6443",
    "https://user:S3CRET0ddFi5h@api.example.com",
    "ftp://a",
    "",
    "https://",
    "unix:/x",
    "https://a b",
    "https://u:S3CRET0ddFi5h@a b",
];

/// A kubeconfig with secrets, and changes.
pub fn fields(data: &[u8]) {
    let Ok(input) = Fields::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let server = SERVERS[usize::from(input.server) % SERVERS.len()];
    let mut config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c", "preferences": {},
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "n"}}],
        "clusters": [{"name": "k", "cluster": {"server": server, "insecure-skip-tls-verify": false, "tls-server-name": "t",
            "proxy-url": "http://p:S3CRET0ddFi5h@proxy:1", "disable-compression": true}}],
        "users": [{"name": "u", "user": {"token": SECRET, "username": "a", "password": SECRET,
            "client-certificate-data": SECRET, "client-key-data": SECRET, "as": "x", "as-groups": ["g"],
            "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "p", "args": [SECRET],
                "env": [{"name": "A", "value": SECRET}], "interactiveMode": "Never"}}}]});
    input.edits.iter().take(6).for_each(|edit| edit.apply(&mut config));
    // A secret of a wrong type.
    let wrong: [Value; 4] = [json!([SECRET]), json!({SECRET: SECRET}), json!(SECRET), json!({"a": [SECRET]})];
    let places = [
        "/users/0/user/token",
        "/users/0/user/password",
        "/users/0/user/exec",
        "/users/0/user/client-key-data",
    ];
    let place = usize::from(input.secret_at);
    if let Some(there) = config.pointer_mut(places[place % 4]).filter(|_| place >= 4) {
        *there = wrong[place / 4 % 4].clone();
    }
    let flags = ClusterFlags {
        cluster: input.cluster.map(|text| text.0),
        user: input.user.map(|text| text.0),
        ..ClusterFlags::default()
    };
    match inspected(&config.to_string(), &flags) {
        Ok(found) => assert!(!format!("{found:?}").contains(SECRET), "{found:?}"),
        Err(shown) => assert!(!shown.contains(SECRET), "{shown}"),
    }
}
