//! Where anything is allowed on purpose.

const KUBERNETES: &str = "Kubernetes' own, and its schema judges what is rendered (chart-schemas)";

/// Objects whose keys the schema does not list, by the end of their path, each with the reason.
pub(super) const OBJECTS: [(&str, &str); 15] = [
    ("/affinity", KUBERNETES),
    ("/tolerations/0", KUBERNETES),
    ("/topologySpreadConstraints/0", KUBERNETES),
    ("/behavior/scaleUp", KUBERNETES),
    ("/behavior/scaleDown", KUBERNETES),
    ("/extraEnv/0", KUBERNETES),
    ("/extraVolumes/0", KUBERNETES),
    ("/extraVolumeMounts/0", KUBERNETES),
    ("/networkPolicy/clients/0", KUBERNETES),
    ("/networkPolicy/scrapers/0", KUBERNETES),
    ("/networkPolicy/dns/0", KUBERNETES),
    ("/networkPolicy/extraIngress/0", KUBERNETES),
    ("/networkPolicy/extraEgress/0", KUBERNETES),
    ("/extraObjects/0", "any object at all"),
    ("/global", "other charts have keys of their own there"),
];
