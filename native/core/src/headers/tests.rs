use super::*;

const A: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x01];
const B: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x02];

fn b64(der: &[u8]) -> String {
    STANDARD.encode(der)
}

fn pem(der: &[u8]) -> String {
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        b64(der)
    )
}

fn escaped(der: &[u8]) -> String {
    pem(der)
        .replace(' ', "%20")
        .replace('\n', "%0A")
        .replace('=', "%3D")
}

fn read(proxy: Proxy, certificate: &[&str], chain: &[&str]) -> Result<Vec<Vec<u8>>, HeaderError> {
    let values = |values: &[&str]| {
        values
            .iter()
            .map(|value| value.as_bytes().to_vec())
            .collect()
    };
    Forwarded {
        proxy,
        certificate: values(certificate),
        chain: values(chain),
    }
    .certificates()
}

/// The form of each proxy, of the leaf alone.
fn leaf(proxy: Proxy, der: &[u8]) -> String {
    match proxy {
        Proxy::Envoy => format!(
            "By=spiffe://a;Hash=00;Cert=\"{}\";Subject=\"CN=a\\\",b\";URI=",
            escaped(der)
        ),
        Proxy::Haproxy => b64(der),
        Proxy::Nginx => escaped(der),
        Proxy::Rfc9440 => format!(":{}:", b64(der)),
    }
}

fn refused(proxy: Proxy, certificate: &[&str], chain: &[&str]) -> &'static str {
    read(proxy, certificate, chain)
        .unwrap_err()
        .reason()
        .as_str()
}

#[test]
fn each_form_is_read() {
    for proxy in Proxy::ALL {
        assert_eq!(
            read(proxy, &[&leaf(proxy, A)], &[]).unwrap(),
            [A],
            "{proxy}"
        );
        assert_eq!(proxy.as_str().parse(), Ok(proxy));
    }
    assert_eq!("apache".parse::<Proxy>(), Err(UnknownProxy));
}

#[test]
fn each_chain_is_read() {
    let both = [A, B];
    let chain = b64(&[B, B].concat());
    assert_eq!(
        read(Proxy::Haproxy, &[&b64(A)], &[&chain]).unwrap(),
        [A, B, B]
    );
    let list = format!(":{}: , :{}:", b64(B), b64(A));
    let read_list = read(Proxy::Rfc9440, &[&leaf(Proxy::Rfc9440, A)], &[&list]);
    assert_eq!(read_list.unwrap(), [A, B, A]);
    let envoy = format!("Chain=\"{}{}\"", escaped(A), escaped(B));
    assert_eq!(read(Proxy::Envoy, &[&envoy], &[]).unwrap(), both);
    let envoy = format!("{};{envoy}", leaf(Proxy::Envoy, A));
    assert_eq!(read(Proxy::Envoy, &[&envoy], &[]).unwrap(), both);
}

#[test]
fn no_certificate_is_no_header_or_an_empty_one() {
    for proxy in Proxy::ALL {
        assert!(read(proxy, &[], &[]).unwrap().is_empty());
        assert!(read(proxy, &[" "], &[]).unwrap().is_empty());
    }
}

#[test]
fn what_is_there_twice_is_refused() {
    for proxy in Proxy::ALL {
        let (one, other) = (leaf(proxy, A), leaf(proxy, B));
        for both in [&other, &one, ""] {
            assert_eq!(refused(proxy, &[&one, both], &[]), "forwarded_doubled");
        }
        // As servers join them.
        for joined in [format!("{one}, {other}"), format!("{one},{other}")] {
            assert_eq!(
                refused(proxy, &[&joined], &[]),
                "forwarded_doubled",
                "{proxy}"
            );
        }
    }
    let chain = b64(B);
    assert_eq!(
        refused(Proxy::Haproxy, &[&b64(A)], &[&chain, &chain]),
        "forwarded_doubled"
    );
    let two = escaped(A) + &escaped(B);
    assert_eq!(refused(Proxy::Nginx, &[&two], &[]), "forwarded_doubled");
    let cert = format!("Cert=\"{}\"", escaped(A));
    for more in [&cert, &cert.replace("Cert=", "CERT=")] {
        let twice = format!("{cert};{more}");
        assert_eq!(refused(Proxy::Envoy, &[&twice], &[]), "forwarded_doubled");
    }
}

#[test]
fn a_form_of_another_proxy_is_refused() {
    for proxy in Proxy::ALL {
        for other in Proxy::ALL {
            if proxy != other {
                refused(proxy, &[&leaf(other, A)], &[]);
            }
        }
        for value in [
            &pem(A),
            "alice",
            "-----BEGIN%20CERTIFICATE-----",
            "\u{30}\u{0}",
        ] {
            assert_eq!(
                refused(proxy, &[value], &[]),
                "forwarded_malformed",
                "{value}"
            );
        }
    }
}

/// Report R49: AWS, Azure, Traefik and Apache, as their documentation has it.
#[test]
fn r49_proxies_with_a_form_of_their_own() {
    // `+`, `=` and `/` stay as they are.
    let aws = escaped(A).replace("%3D", "=");
    let azure = b64(A);
    let traefik = b64(A);
    for (proxy, value) in [
        (Proxy::Nginx, &aws),
        (Proxy::Haproxy, &azure),
        (Proxy::Haproxy, &traefik),
    ] {
        assert_eq!(read(proxy, &[value], &[]).unwrap(), [A], "{value}");
    }
    let aws_chain = format!("{aws}{}", escaped(B));
    let traefik_chain = format!("{traefik},{}", b64(B));
    let apache = pem(A).replace('\n', " ");
    for (proxy, value, reason) in [
        (Proxy::Nginx, aws_chain, "forwarded_doubled"),
        (Proxy::Haproxy, traefik_chain, "forwarded_doubled"),
        (Proxy::Nginx, apache, "forwarded_malformed"),
    ] {
        let error = read(proxy, &[&value], &[]).unwrap_err();
        assert_eq!(error.reason().as_str(), reason, "{value}");
        let said = error.to_string();
        assert!(
            said.contains("one certificate") && !said.contains("client"),
            "{said}"
        );
    }
}

#[test]
fn pem_where_der_is_due_is_refused() {
    let inside = b64(pem(A).as_bytes());
    for (proxy, value) in [
        (Proxy::Haproxy, pem(A)),
        (Proxy::Haproxy, inside.clone()),
        (Proxy::Rfc9440, escaped(A)),
        (Proxy::Rfc9440, format!(":{inside}:")),
    ] {
        assert_eq!(
            read(proxy, &[&value], &[]),
            Err(HeaderError { proxy, fault: PEM }),
            "{value}"
        );
    }
}

#[test]
fn nothing_stands_beside_a_certificate() {
    let good = escaped(A);
    for value in [
        format!("x{good}"),
        format!("{good}x"),
        good.replace("%0A-----END", "%0A%00-----END"),
        good.replace("%0A", "%zz"),
        good.replace("%0A", "%0A%0A Proc-Type"),
        good.replace("CERTIFICATE", "X509%20CRL"),
    ] {
        assert_eq!(
            refused(Proxy::Nginx, &[&value], &[]),
            "forwarded_malformed",
            "{value}"
        );
    }
    let trailing = b64(&[A, B].concat());
    assert_eq!(
        refused(Proxy::Haproxy, &[&trailing], &[]),
        "forwarded_malformed"
    );
    assert_eq!(
        refused(Proxy::Haproxy, &[&b64(A)], &[&b64(&A[1..])]),
        "forwarded_malformed"
    );
    let parameter = format!("{};a=1", leaf(Proxy::Rfc9440, A));
    assert_eq!(
        refused(Proxy::Rfc9440, &[&parameter], &[]),
        "forwarded_malformed"
    );
}

#[test]
fn a_header_that_the_proxy_does_not_write_is_refused() {
    for proxy in [Proxy::Envoy, Proxy::Nginx] {
        let value = leaf(proxy, A);
        assert_eq!(refused(proxy, &[&value], &[&value]), "forwarded_unexpected");
    }
    assert_eq!(
        refused(Proxy::Rfc9440, &[], &[":AQ==:"]),
        "forwarded_unexpected"
    );
    assert_eq!(
        refused(Proxy::Haproxy, &[""], &[&b64(A)]),
        "forwarded_unexpected"
    );
}

#[test]
fn the_length_of_a_chain_is_bounded() {
    let issuers = b64(&B.repeat(MAX_CHAIN));
    assert_eq!(
        refused(Proxy::Haproxy, &[&b64(A)], &[&issuers]),
        "forwarded_malformed"
    );
}

/// A header that is cut or changed anywhere never names another certificate without an error.
#[test]
fn no_change_goes_unnoticed() {
    for proxy in Proxy::ALL {
        let header = leaf(proxy, A).into_bytes();
        let with = |value: Vec<u8>| {
            let forwarded = Forwarded {
                proxy,
                certificate: vec![value],
                chain: vec![],
            };
            forwarded.certificates()
        };
        for at in 0..header.len() {
            if let Ok(chain) = with(header[..at].to_vec()) {
                assert!(at == 0 || chain == [A], "{proxy}: cut at {at}");
            }
            for byte in [0, b'"', b'%', b',', b':', b';', b'=', b'\\', 0xff] {
                let mut changed = header.clone();
                changed[at] = byte;
                if let Ok(chain) = with(changed) {
                    assert_eq!(chain, [A], "{proxy}: {byte} at {at}");
                }
            }
        }
    }
}
