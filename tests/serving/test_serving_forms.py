"""Forms against Python's own reader of MIME, and forms that are none."""

import email.parser
import email.policy

import numpy as np
import pytest

from unweave.serving.forms import read_form
from unweave.serving.refusals import Refused

KIND = "multipart/form-data; boundary=X"


def part(content, head=b'Content-Disposition: form-data; name="a"', mark=b"X"):
    return b"--" + mark + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


def mime(kind, body):
    """What the standard library finds in it."""
    head = b"Content-Type: " + kind.encode() + b"\r\nMIME-Version: 1.0\r\n\r\n"
    whole = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    return {
        one.get_param("name", header="content-disposition"): one.get_payload(decode=True) for one in whole.get_payload()
    }


def test_random_forms_are_what_pythons_own_reader_says():
    random = np.random.default_rng(0)
    bits = [b"\r\n", b"--", b"X", b"--Y", b"\n", b"\r", b"-", b"\x89PNG", b";", b'"', b"name=", b"--\r\n"]
    for k in range(300):
        mark = b"".join(random.choice([b"Y", b"z", b"-", b"7"], 6)) + b"q"
        contents = {}
        for name in ("image", "edits", "a b", "x;y")[: 1 + k % 4]:
            contents[name] = b"".join(random.choice(bits, random.integers(0, 30)))
        heads = [
            b'Content-Disposition: form-data; filename="na;me=.png"; name="%s"\r\nContent-Type: image/png',
            b'content-disposition:form-data;name="%s"',
            b"X-Other: 1\r\nContent-Disposition: form-data; name=\"%s\"; filename*=UTF-8''%%e2",
        ]
        body = b"".join(
            part(content, heads[(k + n) % 3] % name.encode(), mark)
            for n, (name, content) in enumerate(contents.items())
        )
        body = (b"", b"\r\n")[k % 2] + body + b"--" + mark + (b"--", b"--\r\n", b"--\r\nafter")[k // 3 % 3]
        kind = (
            f"multipart/form-data; charset=utf-8; boundary={(mark.decode(), chr(34) + mark.decode() + chr(34))[k % 2]}"
        )
        found = read_form(kind, body)
        assert found == contents
        assert found == mime(kind, body)


def test_names_with_quotes_and_in_other_letters():
    head = 'Content-Disposition: form-data; filename="a\\"; name=\\"b"; name="größe \\"1\\""'.encode()
    assert read_form(KIND, part(b"1", head) + b"--X--") == {'größe "1"': b"1"}
    assert read_form(KIND, part(b"1", b"Content-Disposition: form-data; name=bare") + b"--X--") == {"bare": b"1"}


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("multipart/form-data", part(b"1") + b"--X--", "boundary"),
        ("multipart/form-data; boundary=", part(b"1") + b"--X--", "boundary"),
        ("multipart/form-data; boundary=" + "X" * 300, part(b"1") + b"--X--", "boundary"),
        (KIND, b"", "Unexpected end"),
        (KIND, part(b"1"), "Unexpected end"),
        (KIND, part(b"1")[:-2], "Unexpected end"),
        (KIND, b"before" + part(b"1") + b"--X--", "first boundary"),
        (KIND, part(b"1") + part(b"2") + b"--X--", "each name once"),
        (KIND, part(b"1", b"Content-Type: text/plain") + b"--X--", "Missing Content-Disposition"),
        (KIND, part(b"1", b'Content-Disposition: form-data; filename="name=a"') + b"--X--", "with a name"),
        (KIND, b"--X\r\n\r\n1\r\n--X--", "Missing Content-Disposition"),
        (KIND, part(b"1", b'Content-Disposition: form-data; name="%s"' % (b"a" * 5000)) + b"--X--", "header length"),
        (KIND, part(b"1", b"\r\n".join([b"X-A: a"] * 9)) + b"--X--", "header count exceeded"),
        (KIND, part(b"1", b'Content-Disposition: form-data; name="\xff"') + b"--X--", "failed to decode"),
        (
            KIND,
            b"".join(part(b"", b'Content-Disposition: form-data; name="%d"' % k) for k in range(17)),
            "segment count",
        ),
    ],
)
def test_what_is_no_form_is_said(kind, body, words):
    with pytest.raises(Refused, match=words) as refused:
        read_form(kind, body)
    assert (refused.value.status, refused.value.code) == (400, "not_a_form")


def test_every_form_that_is_cut_off_is_refused():
    body = part(b"1") + part(b"2\r\n3", b'Content-Disposition: form-data; name="b"') + b"--X--"
    for length in range(len(body)):
        with pytest.raises(Refused) as refused:
            read_form(KIND, body[:length])
        assert "parser" not in str(refused.value)  # what the library calls itself
    assert read_form(KIND, body) == {"a": b"1", "b": b"2\r\n3"}
