use super::*;

const VALUES: &str = "\
# image: {tag: not this one}
image:
  registry: host/path # ours
services:
  # A digest wins over a tag.
  task-api:
    image: {tag: 0.2.0, digest: \"\", pullPolicy: Always}
    autoscaling: {scaler: hpa}
  task-worker:
    image: { digest: '', tag: '0.2.0' }
probe:
  image: {tag: 0.2.0, digest: \"\"} # last
";

fn digest(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64))
}

fn release() -> Deployed {
    let image = |(service, _)| Image {
        service,
        tag: "0.3.0".to_owned(),
        digest: digest("a"),
    };
    Deployed {
        registry: "host:5000/new".to_owned(),
        images: SERVICES.map(image).to_vec(),
    }
}

#[test]
fn reads_what_is_deployed() {
    let deployed = Deployed::read(VALUES, "values.yaml").unwrap();
    assert_eq!(deployed.registry, "host/path");
    assert!(
        deployed
            .images
            .iter()
            .all(|it| it.tag == "0.2.0" && it.digest.is_empty())
    );
    let said = deployed.is_fixed("dev").unwrap_err().to_string();
    assert!(
        said.starts_with("dev has no digest for task-api: only its tag, 0.2.0"),
        "{said}"
    );
}

#[test]
fn only_images_are_changed() {
    let a = digest("a");
    let written = release().write(VALUES, "values.yaml").unwrap();
    let expected = VALUES
        .replace("host/path", "host:5000/new")
        .replace(
            "{tag: 0.2.0, digest: \"\"",
            &format!("{{tag: 0.3.0, digest: \"{a}\""),
        )
        .replace(
            "{ digest: '', tag: '0.2.0' }",
            &format!("{{ digest: \"{a}\", tag: 0.3.0 }}"),
        );
    assert_eq!(written, expected);
    assert_eq!(Deployed::read(&written, "values.yaml").unwrap(), release());
    assert_eq!(release().write(&written, "values.yaml").unwrap(), written);
}

#[test]
fn every_environment_can_be_changed() {
    for values in crate::chart::files::environments().unwrap() {
        let text = std::fs::read_to_string(&values).unwrap();
        let name = values.display().to_string();
        let written = release().write(&text, &name).unwrap();
        assert_eq!(Deployed::read(&written, &name).unwrap(), release());
        assert_eq!(written.lines().count(), text.lines().count());
    }
}

#[test]
fn a_line_that_is_not_there_is_named() {
    for (gone, said) in [
        (
            "  registry: host/path # ours\n",
            "x/values.yaml has no line for `image.registry`",
        ),
        (
            "    image: { digest: '', tag: '0.2.0' }\n",
            "for `services.task-worker.image`",
        ),
        (
            "tag: 0.2.0, ",
            "x/values.yaml: `services.task-api.image` is `{digest: \"\", pullPolicy: Always}`, without `tag`",
        ),
    ] {
        let values = VALUES.replace(gone, "");
        let error = release()
            .write(&values, "x/values.yaml")
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{error}");
        assert!(Deployed::read(&values, "x/values.yaml").is_err());
    }
}
