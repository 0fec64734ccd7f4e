"""Which address is what kind of place."""

import pytest

from hub.http import Place, Zone, Zones, classify
from hub.http.egress import decide
from hub.http.zone import networks_of


class TestClassify:
    """The kind of place of an address."""

    @pytest.mark.parametrize(
        ("address", "zone"),
        [
            ("8.8.8.8", Place.PUBLIC),
            ("2606:4700::1111", Place.PUBLIC),
            ("10.20.30.40", Place.PRIVATE),
            ("172.31.255.255", Place.PRIVATE),
            ("172.32.0.1", Place.PUBLIC),
            ("192.168.1.1", Place.PRIVATE),
            ("100.64.0.1", Place.PRIVATE),
            ("fd12:3456::1", Place.PRIVATE),
            ("127.0.0.1", Place.LOOPBACK),
            ("127.255.0.9", Place.LOOPBACK),
            ("::1", Place.LOOPBACK),
            ("::ffff:127.0.0.1", Place.LOOPBACK),
            ("::ffff:10.0.0.1", Place.PRIVATE),
            ("169.254.1.1", Place.LINK_LOCAL),
            ("fe80::1%eth0", Place.LINK_LOCAL),
            ("169.254.169.254", Place.METADATA),
            ("::ffff:169.254.169.254", Place.METADATA),
            ("fd00:ec2::254", Place.METADATA),
            ("100.100.100.200", Place.METADATA),
            ("168.63.129.16", Place.METADATA),
            ("0.0.0.0", Place.RESERVED),
            ("::", Place.RESERVED),
            ("::7f00:1", Place.RESERVED),
            ("224.0.0.1", Place.RESERVED),
            ("255.255.255.255", Place.RESERVED),
            ("64:ff9b::7f00:1", Place.RESERVED),
            ("2002:7f00:1::", Place.RESERVED),
            ("2001:0:1::", Place.RESERVED),
            ("ff02::1", Place.RESERVED),
            ("192.0.2.1", Place.RESERVED),
        ],
    )
    def test_names_the_zone(self, address: str, zone: Place) -> None:
        assert classify(address) is zone

    def test_refuses_what_is_no_address(self) -> None:
        with pytest.raises(ValueError, match="localhost"):
            classify("localhost")


INSIDE = Zone("inside", networks_of(["127.0.0.0/8", "::1/128", "10.0.0.0/8"]), allow_http=True)


def refusal(host: str, addresses: list[str]) -> str:
    """Why a host is refused while a zone is open that covers this machine and a private network."""
    return decide("http", host, 80, addresses, Zones(1, (INSIDE,))).refused


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
