"""Which address is what kind of place."""

import pytest

from hub.http import Zone, classify
from hub.http.egress import refusal


class TestClassify:
    """The zone of an address."""

    @pytest.mark.parametrize(
        ("address", "zone"),
        [
            ("8.8.8.8", Zone.PUBLIC),
            ("2606:4700::1111", Zone.PUBLIC),
            ("10.20.30.40", Zone.PRIVATE),
            ("172.31.255.255", Zone.PRIVATE),
            ("172.32.0.1", Zone.PUBLIC),
            ("192.168.1.1", Zone.PRIVATE),
            ("100.64.0.1", Zone.PRIVATE),
            ("fd12:3456::1", Zone.PRIVATE),
            ("127.0.0.1", Zone.LOOPBACK),
            ("127.255.0.9", Zone.LOOPBACK),
            ("::1", Zone.LOOPBACK),
            ("::ffff:127.0.0.1", Zone.LOOPBACK),
            ("::ffff:10.0.0.1", Zone.PRIVATE),
            ("169.254.1.1", Zone.LINK_LOCAL),
            ("fe80::1%eth0", Zone.LINK_LOCAL),
            ("169.254.169.254", Zone.METADATA),
            ("::ffff:169.254.169.254", Zone.METADATA),
            ("fd00:ec2::254", Zone.METADATA),
            ("100.100.100.200", Zone.METADATA),
            ("168.63.129.16", Zone.METADATA),
            ("0.0.0.0", Zone.RESERVED),
            ("::", Zone.RESERVED),
            ("::7f00:1", Zone.RESERVED),
            ("224.0.0.1", Zone.RESERVED),
            ("255.255.255.255", Zone.RESERVED),
            ("64:ff9b::7f00:1", Zone.RESERVED),
            ("2002:7f00:1::", Zone.RESERVED),
            ("2001:0:1::", Zone.RESERVED),
            ("ff02::1", Zone.RESERVED),
            ("192.0.2.1", Zone.RESERVED),
        ],
    )
    def test_names_the_zone(self, address: str, zone: Zone) -> None:
        assert classify(address) is zone

    def test_refuses_what_is_no_address(self) -> None:
        with pytest.raises(ValueError, match="localhost"):
            classify("localhost")


class TestRefusal:
    """Whether a listed host may be reached at its addresses."""

    @pytest.mark.parametrize(
        ("host", "address"),
        [
            ("api.vendor.example", "8.8.8.8"),
            ("erp.intern", "10.1.2.3"),
            ("localhost", "127.0.0.1"),
            ("hub.localhost", "::1"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
        ],
    )
    def test_is_empty_where_the_host_was_plainly_meant(self, host: str, address: str) -> None:
        assert refusal(host, [address]) == ""

    @pytest.mark.parametrize(
        ("host", "address"),
        [
            ("api.vendor.example", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("localhost.vendor.example", "127.0.0.1"),
            ("api.vendor.example", "169.254.169.254"),
            ("localhost", "169.254.169.254"),
        ],
    )
    def test_names_the_place_otherwise(self, host: str, address: str) -> None:
        assert address in refusal(host, [address])

    def test_is_for_all_when_one_is_bad(self) -> None:
        assert refusal("api.vendor.example", ["8.8.8.8", "127.0.0.1"])
