//! The API server's rules for names, kinds, API versions, labels and annotations.
//!
//! Sources, of Kubernetes 1.36: apimachinery `pkg/api/validate/content` and `pkg/util/validation` for the forms,
//! kubernetes `pkg/apis/GROUP/validation` for the rule of each kind. An API server of this version answered dry runs of all
//! kinds with such names in the same way.

use ::core::net::IpAddr;

/// The rule for the names of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRule {
    /// A DNS subdomain: labels, with dots between them.
    Subdomain,
    /// A DNS label.
    Label,
    /// Any text that is one segment of a URL path.
    PathSegment,
    /// The form of a key in a ConfigMap.
    ConfigMapKey,
    /// An IP address in its canonical form.
    IpAddress,
    /// A subdomain for the group, a dot, and the resource.
    GroupAndResource,
    /// `spec.names.plural`, a dot, and `spec.group`.
    PluralAndGroup,
    /// `spec.version`, a dot, and `spec.group`.
    VersionAndGroup,
    /// `spec.signerName` with colons instead of slashes, a colon, and a subdomain; without a signer, a subdomain.
    SignerAndSubdomain,
}

/// Group, kind (`*`: all) and rule. Names of all other kinds, and of custom resources, are DNS subdomains.
const RULES: &[(&str, &str, NameRule)] = &[
    ("", "Namespace", NameRule::Label),
    // Kubernetes 1.36 permits a digit as the first character (feature gate RelaxedServiceNameValidation); before, it was a
    // DNS label of RFC 1035. A manifest may be for either.
    ("", "Service", NameRule::Label),
    // `ValidateStatefulSetName`: pods have the name in a label, so it cannot contain dots.
    ("apps", "StatefulSet", NameRule::Label),
    // `ValidateRBACName`, such as `system:auth-delegator`.
    ("rbac.authorization.k8s.io", "*", NameRule::PathSegment),
    // These kinds have no rule of their own, so only the rule for all objects applies: apiserver `pkg/registry/rest/create.go`.
    ("", "Binding", NameRule::PathSegment),
    ("", "Event", NameRule::PathSegment),
    ("authentication.k8s.io", "*", NameRule::PathSegment),
    ("authorization.k8s.io", "*", NameRule::PathSegment),
    ("certificates.k8s.io", "CertificateSigningRequest", NameRule::PathSegment),
    ("policy", "PodDisruptionBudget", NameRule::PathSegment),
    ("apiextensions.k8s.io", "CustomResourceDefinition", NameRule::PluralAndGroup),
    // kube-aggregator `pkg/apis/apiregistration/validation`.
    ("apiregistration.k8s.io", "APIService", NameRule::VersionAndGroup),
    ("certificates.k8s.io", "ClusterTrustBundle", NameRule::SignerAndSubdomain),
    ("coordination.k8s.io", "LeaseCandidate", NameRule::ConfigMapKey),
    ("internal.apiserver.k8s.io", "StorageVersion", NameRule::GroupAndResource),
    ("networking.k8s.io", "IPAddress", NameRule::IpAddress),
    // OpenShift's own API servers check these names, such as `ldap:jane` and `web:latest`: openshift/oauth-apiserver and
    // openshift/openshift-apiserver, `pkg/NAME/apis/NAME/validation`.
    ("authorization.openshift.io", "*", NameRule::PathSegment),
    ("image.openshift.io", "*", NameRule::PathSegment),
    ("oauth.openshift.io", "*", NameRule::PathSegment),
    ("user.openshift.io", "*", NameRule::PathSegment),
];

/// The longest DNS label, label value, and name part of a label key.
const MAX_LABEL: usize = 63;

/// The longest DNS subdomain.
const MAX_SUBDOMAIN: usize = 253;

/// The largest size of all annotations of an object, in bytes: apimachinery `TotalAnnotationSizeLimitB`.
pub const MAX_ANNOTATIONS: usize = 256 * 1024;

/// Returns the rule for the names of a kind.
pub fn name_rule(group: &str, kind: &str) -> NameRule {
    let found = RULES.iter().find(|(g, k, _)| *g == group && (*k == "*" || *k == kind));
    found.map_or(NameRule::Subdomain, |(.., rule)| *rule)
}

impl NameRule {
    /// Returns whether a name has the form that the rule requires. Two rules also compare it with fields of the object,
    /// which is not done here.
    pub fn accepts(self, name: &str) -> bool {
        match self {
            Self::Subdomain | Self::PluralAndGroup => is_subdomain(name),
            Self::Label => is_label(name),
            Self::PathSegment | Self::VersionAndGroup => is_path_segment(name),
            Self::ConfigMapKey => is_config_map_key(name),
            Self::IpAddress => is_ip_address(name),
            Self::GroupAndResource => name
                .rsplit_once('.')
                .is_some_and(|(group, resource)| is_subdomain(group) && is_rfc_1035_label(resource)),
            Self::SignerAndSubdomain => {
                is_subdomain(name.rsplit(':').next().unwrap_or_default()) && is_path_segment(name)
            }
        }
    }

    /// Describes the form of a name, after `expected `.
    pub fn form(self) -> &'static str {
        match self {
            Self::Subdomain | Self::PluralAndGroup => {
                "a DNS subdomain: at most 253 lower-case letters, digits, `-` and `.`, with a letter or digit at both ends of each part"
            }
            Self::Label => {
                "a DNS label: at most 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit"
            }
            Self::PathSegment | Self::VersionAndGroup => {
                "a segment of a path: any text without `/` and `%`, except `.` and `..`"
            }
            Self::ConfigMapKey => {
                "at most 253 letters, digits, `-`, `_` and `.`, except `.` and names that begin with `..`"
            }
            Self::IpAddress => "an IP address in its canonical form, such as 192.0.2.1 or 2001:db8::1",
            Self::GroupAndResource => "GROUP.RESOURCE, such as apps.deployments",
            Self::SignerAndSubdomain => "the signer with `:` instead of `/`, then `:` and a DNS subdomain",
        }
    }
}

/// Returns whether a text is a DNS label of RFC 1123.
pub fn is_label(text: &str) -> bool {
    is_label_part(text) && text.len() <= MAX_LABEL
}

/// Returns whether a text is a DNS subdomain. As for the API server, only its whole length is limited.
pub fn is_subdomain(text: &str) -> bool {
    text.len() <= MAX_SUBDOMAIN && text.split('.').all(is_label_part)
}

/// Returns whether a text can be the kind of an object: a DNS label of RFC 1035 with letters of any case, as
/// apiextensions-apiserver `ValidateCustomResourceDefinitionNames` requires it.
pub fn is_kind(text: &str) -> bool {
    is_rfc_1035_label(&text.to_ascii_lowercase())
}

/// Returns whether a text is VERSION or GROUP/VERSION: a DNS subdomain and a DNS label of RFC 1035.
pub fn is_api_version(text: &str) -> bool {
    let (group, version) =
        text.split_once('/').map_or((None, text), |(group, version)| (Some(group), version));
    group.is_none_or(is_subdomain) && is_rfc_1035_label(version)
}

/// Returns whether a text is a label key: NAME or PREFIX/NAME.
pub fn is_label_key(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    prefix.is_none_or(is_subdomain) && !name.is_empty() && is_label_value(name)
}

/// Returns whether a text is an annotation key: a label key whose prefix may have letters of any case.
pub fn is_annotation_key(key: &str) -> bool {
    // Go's `strings.ToLower` maps each character to one other; two that are not ASCII become ASCII letters.
    let lower: String = key.chars().filter_map(|c| c.to_lowercase().next()).collect();
    is_label_key(&lower)
}

/// Returns whether a text is a label value.
pub fn is_label_value(value: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    value.len() <= MAX_LABEL
        && value.bytes().all(inner)
        && [value.bytes().next(), value.bytes().next_back()]
            .into_iter()
            .flatten()
            .all(|b| b.is_ascii_alphanumeric())
}

/// Returns a similar text that the rule accepts, if there is a simple one.
pub fn similar_name(rule: NameRule, name: &str) -> Option<String> {
    let keeps_dots = rule != NameRule::Label;
    let replaced = name.chars().map(|c| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9') => c,
        '.' if keeps_dots => '.',
        _ => '-',
    });
    let replaced: String = replaced.collect();
    let parts: Vec<&str> = replaced.split('.').map(|part| part.trim_matches('-')).collect();
    let similar = parts.join(".");
    (matches!(rule, NameRule::Label | NameRule::Subdomain) && rule.accepts(&similar)).then_some(similar)
}

fn is_label_part(text: &str) -> bool {
    let is_end = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = (text.bytes().next(), text.bytes().next_back());
    matches!(ends, (Some(first), Some(last)) if is_end(first) && is_end(last))
        && text.bytes().all(|b| is_end(b) || b == b'-')
}

fn is_rfc_1035_label(text: &str) -> bool {
    is_label(text) && text.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Returns whether a text can be a segment of a URL path.
pub fn is_path_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains(['/', '%'])
}

/// Returns whether a text can be the key of a ConfigMap or Secret.
pub fn is_config_map_key(text: &str) -> bool {
    let is_known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !text.is_empty()
        && text.len() <= MAX_SUBDOMAIN
        && text.bytes().all(is_known)
        && text != "."
        && !text.starts_with("..")
}

fn is_ip_address(text: &str) -> bool {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some() => false,
        Ok(address) => address.to_string() == text,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kubernetes::accepts::check;

    fn of(group: &'static str, kind: &'static str) -> impl Fn(&str) -> bool {
        move |name| name_rule(group, kind).accepts(name)
    }

    #[test]
    fn each_kind_has_the_rule_of_the_api_server() {
        let long = "a".repeat(64);
        let longest = format!("{}.{}", "a".repeat(126), "b".repeat(126));
        let odd = ["", "A", "a_b", "-a", "a-", "a..b", "a\n", "a/b", "a|b", "é", "../../a"];
        for (group, kind) in [("", "ConfigMap"), ("example.com", "Widget"), ("apps", "Deployment")] {
            check(of(group, kind), &["a", "0", "a.b-c.d", &long, &longest], &odd);
            check(of(group, kind), &[], &[&format!("{longest}c"), "system:a"]);
        }
        for (group, kind) in [("", "Namespace"), ("", "Service"), ("apps", "StatefulSet")] {
            check(of(group, kind), &["a", "0-a", &long[1..]], &odd);
            check(of(group, kind), &[], &["a.b", &long]);
        }
        for kind in ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"] {
            let rbac = of("rbac.authorization.k8s.io", kind);
            check(rbac, &["system:auth-delegator", "A_b c|`\n\0", "..."], &["", ".", "..", "a/b", "a%2Fb"]);
        }
        check(of("policy", "PodDisruptionBudget"), &["My_Budget"], &["a/b"]);
        check(of("user.openshift.io", "Identity"), &["ldap:jane"], &["a/b"]);
        check(of("coordination.k8s.io", "LeaseCandidate"), &["A_b.c", "a..b"], &[".", "..a", "a b", ""]);
        let address = of("networking.k8s.io", "IPAddress");
        check(address, &["192.0.2.1", "2001:db8::1"], &["192.0.2.01", "2001:DB8::1", "::ffff:1.2.3.4", "a"]);
        check(of("internal.apiserver.k8s.io", "StorageVersion"), &["apps.deployments"], &["apps", "a.1"]);
        let bundle = of("certificates.k8s.io", "ClusterTrustBundle");
        check(bundle, &["a", "example.com:signer:a.b"], &["a/b:c", "example.com:signer:", "a:B"]);
    }

    #[test]
    fn kinds_and_api_versions() {
        check(
            is_kind,
            &["ConfigMap", "a", "IPAddress", "My-Kind9"],
            &["", "9a", "A_b", "A b", "A`<b>", "A-", "Ä"],
        );
        let (valid, invalid) = (
            ["v1", "apps/v1", "x.example.com/v1alpha1"],
            ["", "/v1", "apps/", "a/b/v1", "Apps/v1", "a b/v1", "v1\n", "1"],
        );
        check(is_api_version, &valid, &invalid);
    }

    #[test]
    fn labels_and_annotations() {
        let longest = format!("{}/{}", "a".repeat(253), "B".repeat(63));
        let keys = ["app", "A_b.c", "example.com/a", &longest];
        check(
            is_label_key,
            &keys,
            &["", "/a", "a/", "a/b/c", "A.com/b", "a b", "_a", "a\n", &format!("{longest}B")],
        );
        check(is_annotation_key, &keys, &["", "/a", "a/b/c", "a b", "`", "é"]);
        check(is_annotation_key, &["A.com/b", "\u{212a}elvin"], &[]);
        check(
            is_label_value,
            &["", "a", "Pool_A.1"],
            &["a b", "_a", "a-", "a/b", "é", "a\n", &"a".repeat(64)],
        );
    }

    #[test]
    fn similar_names() {
        assert_eq!(similar_name(NameRule::Label, "My_app.v1").as_deref(), Some("my-app-v1"));
        assert_eq!(similar_name(NameRule::Subdomain, "-Web.Example_").as_deref(), Some("web.example"));
        assert_eq!(similar_name(NameRule::Subdomain, "日本"), None);
        assert_eq!(similar_name(NameRule::PathSegment, "a/b"), None);
    }
}
