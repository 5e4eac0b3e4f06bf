"""Labelled numbers and addresses: those of dozens of countries, and what only looks like them. All made up by us."""

from __future__ import annotations

import random
import re
import string

from stdnum import luhn
from stdnum.iban import _ibandb

from tests.checks.labelled import Case, clean, planted

PHONES = [
    *planted("手机号13800138000", "电话：010-62782605", "전화번호는 010-2345-6789입니다"),
    *planted(
        *[
            # US
            "Call me at 212-736-5000.",
            "My number is (212) 736-5000.",
            "+1 212 736 5000",
            "1-800-356-9377",
            "212.736.5000 is the office",
            "+1-212-736-5000",
            "Phone: 2127365000",
            "tel:+12127365000",
            "(212)736-5000",
            # GB
            "020 7946 0018",
            "+44 20 7946 0018",
            "07911 123456",
            "Mobile 07911123456",
            "+44 (0)20 7946 0018",
            "0161 496 0000",
            "+44 7911 123456",
            # DE
            "030 901820",
            "+49 (0)30 901820",
            "0171 1234567",
            "0049 30 901820",
            "Tel.: 089/1234567",
            "+49-171-1234567",
            "Telefon 0711 685-0",
            "0151-23456789",
            # FR
            "01 42 68 53 00",
            "06 12 34 56 78",
            "+33 (0)6 12 34 56 78",
            "0033142685300",
            "01.42.68.53.00",
            # ES, IT
            "Tel. 912 345 678",
            "+34 612 345 678",
            "Móvil: 612345678",
            "+39 06 6982",
            "06 69812345",
            "+39 347 123 4567",
            "cellulare 3471234567",
            # NL, BE, CH, AT
            "020 123 4567",
            "+31 6 12345678",
            "06-12345678",
            "+32 2 512 34 56",
            "+41 44 668 18 00",
            "+43 1 58858 0",
            # PL, CZ, SE, DK, NO, FI
            "+48 601 234 567",
            "+420 601 123 456",
            "+46 70 123 45 67",
            "+45 32 12 34 56",
            "+47 412 34 567",
            "+358 40 123 4567",
            # BR, MX, AR
            "(11) 91234-5678",
            "+55 11 91234-5678",
            "+52 55 1234 5678",
            "+54 11 4123-4567",
            # IN, CN, JP, KR, AU, ZA, NG, RU, TR, IL, AE
            "+91 98765 43210",
            "98765 43210 is my mobile",
            "+86 138 0013 8000",
            "手机号：13800138000",
            "+81 3-1234-5678",
            "電話: 03-3212-1234",
            "+82 10-1234-5678",
            "+61 412 345 678",
            "+27 82 123 4567",
            "+234 803 123 4567",
            "+7 (495) 123-45-67",
            "8 (495) 123-45-67 телефон",
            "телефон: +7 916 123-45-67",
            "+90 532 123 45 67",
            "+972 50-234-5678",
            "+971 50 123 4567",
            "WhatsApp me on 0171/1234567",
            "Reach her on 07700 900123 anytime",
            "Contact: +16502530000",
        ]
    ),
    *clean(
        *[
            "The population is 8 419 316.",
            "In 2019-2020 and 2021-2022",
            "12 345 678 900 dollars",
            "Order 1234567890 shipped",
            "ISBN 978-0-13-468599-1",
            "ISBN-13: 9780134685991",
            "pi is 3.1415926535",
            "Version 10.0.19041.1288",
            "2024-01-15 14:30:00",
            "15/01/2024 14:30",
            "f(x) = 1234567890",
            "(1) 2 3 4 5 6 7 8",
            "The values are 10 20 30 40 50 60",
            "10, 20, 30, 40, 50, 60, 70",
            "Coordinates 48.8566 2.3522",
            "40.7128, -74.0060",
            "1-2-3-4-5-6-7-8-9",
            "Serial 0012-3456-7890",
            "Lottery numbers: 03 12 19 27 33 41",
            "Tracking 1Z999AA10123456784",
            "2^31 = 2147483648",
            "4294967295 is the largest",
            "Unix time 1700000000",
            "RFC 2606",
            "$1,234,567,890",
            "1 000 000 000 people",
            "100 000 000",
            "Zip 94043-1351",
            "Chapter 12: 45-67",
            "Scores: 21-19, 18-21, 21-15",
            "Revenue of 2,345,678,901 USD",
            "Fibonacci: 1 1 2 3 5 8 13 21 34 55 89",
            "binary 0101 0101 0101",
            "dial 911",
            "Call 112 in an emergency",
            "call foo(1234567890)",
            "20 30 40 50",
            "the years 1990 1995 2000 2005",
            "1900 - 1950 - 2000",
            "hash 5d41402abc4b2a76b9719d911017c592",
            "0.123456789",
            "3/4/5/6/7/8/9",
            "page 100-105, 200-205",
            "Population 1990: 1200000000; 2000: 1300000000",
            "ratio 1:1000000",
            "5 10 15 20 25 30 35",
            "Time 10:30 - 12:45",
            "Section 3.2.1.4.5.6",
            "weights: 62.5 70 82.5 90",
            "A4 210 x 297 mm",
            "MAC 00:1A:2B:3C:4D:5E",
            "UPC 036000291452",
            "GPS N 40° 26' 46\"",
            "100 200 300 400",
            "DOI 10.1000/182",
            "ID: 555-123",
            "Article 2016/679 of 27 April 2016",
            "IPv4 has 4 294 967 296 addresses",
            "The speed of light is 299 792 458 m/s.",
            "Avogadro 602 214 076 000",
            "Sum: 123 456 789 + 987 654 321 = 1 111 111 110",
            "Distance: 149 597 870 700 m",
            "My phone has 128 GB and costs 999 euros.",
            "A phone battery of 5000 mAh, 6.7 inch, 2400 x 1080",
            "phone sales rose to 1 240 000 000 in 2022",
        ]
    ),
]

EMAILS = [
    *planted(
        "邮箱ann@acme.cn",
        "Mail an erika.mustermann@example.de",
        "jane.roe@example.com",
        "ann@acme.中国",
        "kai@dänk.example-firma.de",
        "Ann＠acme．com",
        "t.o.m@a-b-c.solutions",
    ),
    *clean(
        "support@example.com",
        "your.name@example.com",
        "Twitter: @acme_corp",
        "a@@b.com",
        "SELECT @@version",
        "$@ and $*",
    ),
    *planted(
        *[
            "a.b@c.museum",
            "jörg@müller.de",
            "info@xn--mller-kva.de",
            "user.name+tag@sub.domain.co.jp",
            "x_y-z@my-company.technology",
            "o'brien@acme.ie",
            "me@acme.travel",
            "first.last@uni-heidelberg.de",
            "用户@例子.公司",
            "contact@почта.рф",
            "Bob <bob@acme.io>",
            "mailto:jane@acme.dev",
            "jane(at)acme.com",
            "jane [at] acme [dot] com",
            "jane at acme dot com",
            "JANE@ACME.COM",
            "j@a.io",
            "email:tom@mail.acme.photography.",
            "root@acme.consulting;",
            "1234567890@qq.com",
            "a&b@acme.com",
            '"ann@acme.org"',
            "https://x.y/?m=ann@acme.org",
            "ann@acme.com's inbox",
            "ann@acme.com/bob@acme.com",
        ]
    ),
    *clean(
        *[
            "me@example.com",
            "user@example.org",
            "user@test.invalid",
            "@user",
            "foo@bar",
            "def f(): @property",
            "@decorator.name\ndef f(): pass",
            "3 @ 4.50 each",
            "5 kg @ 3.20 EUR",
            "git@github.com:org/repo.git is the url form",
            "a @ b",
            "x = A @ B.T",
            "npm install @types/node@18.0.0",
            "react@18.2.0",
            "@angular/core@^15.0.0",
            "ssh user@192.168.1.1",
            "name@domain",
            "john@",
            "look at this.Is it fine",
            "Meet at noon dot",
            "$user@$host.com",
            "user@example.co",
            "you@yourdomain.com",
            "user@localhost.localdomain",
            "pip install pkg@1.0.0",
            "name@company.example",
        ]
    ),
]

IPS = [
    *planted("地址93.184.216.34，请看", "ping 13.107.42.14", "a 203.0.114.9 b"),
    *clean("The ratio is 1.2.3", "10.0.0.0/8", "192.0.2.1", "2001:db8::1", "100.64.0.1"),
    *planted(
        *[
            "8.8.8.8",
            "Server at 93.184.216.34:8080",
            "ip=151.101.1.69,",
            "2606:4700:4700::1111",
            "[2606:4700:4700::1111]:443",
            "2a00:1450:4001:81b::200e",
            "fe80 no; 2001:470:1:18::2 yes",
            "http://142.250.74.46/x",
            "1.1.1.1",
            "IPv6 2a02:2e0:3fe:1001:302::",
            "inet 51.15.0.1/24",
            "::ffff:8.8.8.8",
            "host 185.199.108.153.",
            "2607:f8b0:4005:0805:0000:0000:0000:200e",
            "IP: 77.88.55.60",
        ]
    ),
    *clean(
        *[
            "Version 8.8.8.8",
            "v10.15.7.1",
            "release 4.18.0.305",
            "Chrome/120.0.6099.109",
            "Chrome 120.0.6099.109 is out",
            "OS build 10.0.19045.3693",
            "section 1.2.3.4",
            "256.300.1.1",
            "1.2.3",
            "127.0.0.1",
            "192.168.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "169.254.1.1",
            "fe80::1",
            "::1",
            "::",
            "12:34:56",
            "a::b::c",
            "std::cout",
            "00:1A:2B:3C:4D:5E",
            "std::vector::size",
            "0.0.0.0",
            "255.255.255.0",
            "driver 535.129.03.1",
            "numpy==1.2.3.4",
            "pkg-1.2.3.4.tar.gz",
            "Figure 2.1.1.3",
            "bb::cc in C++",
            "fd00::1",
            "224.0.0.1",
            "python 3.12.1.0",
            "1.2.3.4.5",
            "dead::beef is hex",
            "version: 5.4.3.2",
            "update to 7.1.2.8",
            "abc::def()",
            "add::face",
            "Windows 10.0.22621.1",
            "Section 4.3.2.1",
            "OID 1.3.6.1",
            "SNMP 1.3.6.1.2.1",
        ]
    ),
]

NATIONAL_IDS = [
    *planted(
        *[
            "SSN: 123-45-6789",
            "My social security number is 123 45 6789",
            "SSN 123456789",
            "social security number 078051120",
            "NI number: QQ123456C? no: AB123456C",
            "JG 10 37 59 A",
            "codice fiscale: MRTMTT91D08F205J",
            "mrtmtt91d08f205j",
            "DNI: 12345678-Z",
            "12345678Z",
            "NIE: Y-1234567-X",
            "CPF: 529.982.247-25",
            "CPF 52998224725",
            "NIR 1 85 05 78 006 084 91",
            "185057800608491",
            "BSN 111222333",
            "PESEL: 02070803628",
            "Aadhaar: 2345 6789 0124",
            "SIN: 046 454 286",
            "AHV-Nr. 756.1234.5678.97",
            "personnummer 811228-9874",
            "19811228-9874",
            "身份证号 11010519491231002X",
            "CURP: HEGG560427MVZRRL04",
            "Steueridentifikationsnummer 65 929 970 489",
            "NHS number 943 476 5919",
            "rodné číslo 710319/2745",
            "TFN 123 456 782",
            "HKID A123456(3)",
            "주민등록번호 900101-1234568",
            "Henkilötunnus 131052-308T",
            "fødselsnummer 15108695088",
            "CPR 211062-5629",
            "passport number C01X00T47",
            "Rijksregisternummer 85.07.30-033 28",
            "T.C. kimlik no 10000000146",
            "マイナンバー 123456789018",
            "PAN: ABCPE1234F",
            "NINO: AA 12 34 56 A",
            "EGN 7523169263",
            "CNP 1800101221144",
            "OIB 33392005961",
            "NRIC S1234567D",
        ]
    ),
    *clean(
        *[
            "123-456-789",
            "000-12-3456",
            "900 is a number",
            "12345678A",
            "AB123456",
            "part AB 12 34 56",
            "1234-56-789",
            "CPF format is 000.000.000-00",
            "811228-9875",
            "version 2.1.3",
            "order 111222333",
            "Room 12-34-5678 is not",
            "PO 046454287",
            "date 1981-12-28",
            "ABCDE1234F5",
            "11010519491231002",
            "900101-12345",
            "A123456",
            "S1234567",
            "15108695088 rows",
            "123 456 782 people",
            "12345678901",
            "10000000146 bytes",
            "1800101221144 ns",
            "ISBN 123-45-67890-1-2",
            "score 12-34-56",
            "1999-12-3456-12",
            "CAS 123-45-6",
            "750-12-34567",
            "Z1234567",
        ]
    ),
]

_NETWORKS = [
    ("4", 16),
    ("4", 13),
    ("4", 19),
    ("51", 16),
    ("2221", 16),
    ("2720", 16),
    ("34", 15),
    ("37", 15),
    ("6011", 16),
    ("65", 16),
    ("644", 16),
    ("3528", 16),
    ("36", 14),
    ("300", 14),
    ("38", 14),
    ("62", 16),
    ("62", 19),
    ("5018", 16),
    ("6304", 16),
    ("6759", 16),
    ("2200", 16),
    ("60", 16),
    ("9792", 16),
    ("508", 16),
]
_AROUND = [
    "Card: {}",
    "My card number is {}.",
    "{}",
    "pay with {}, cvv 123",
    "number={}&exp=0128",
    "(card {})",
    "«{}»",
    "Kartennummer: {};",
    '"card": "{}"',
    "card {} expires 12/28",
    "{}|12/28|123",
    "card no {}\n",
    "**{}**",
    "Visa/{}",
    "Karte {}- gültig",
    "`{}`",
    "CC#{}",
    "{}/2028",
    "{}\t09/27",
]
_BETWEEN = ("", " ", "-", ".", "\u00a0", "  ", " - ", "\u2011", "\u2013")


def _cards() -> list[Case]:
    """Return each network's numbers in every writing, and beside each one that fails Luhn's check."""
    draw, cases = random.Random(7), []
    for at, (prefix, length) in enumerate(_NETWORKS):
        for number, between in enumerate(_BETWEEN):
            text = _AROUND[(at * 9 + number) % len(_AROUND)]
            body = prefix + "".join(draw.choice(string.digits) for _ in range(length - 1 - len(prefix)))
            check = int(luhn.calc_check_digit(body))
            for digit in (check, (check + draw.randint(1, 9)) % 10):
                cases.append(Case(text.format(_grouped(f"{body}{digit}", between)), digit == check))
    return cases


def _grouped(card: str, between: str) -> str:
    sizes = {14: (4, 6, 4), 15: (4, 6, 5)}.get(len(card), (4, 4, 4, 4, 4))
    starts = [sum(sizes[:at]) for at in range(len(sizes))]
    return between.join(part for start, size in zip(starts, sizes, strict=True) if (part := card[start : start + size]))


def _ibans() -> list[Case]:
    """Return an account of every country of the registry in every writing, and beside each one with wrong check digits."""
    draw, cases = random.Random(11), []
    letters = {"n": string.digits, "a": string.ascii_uppercase, "c": string.digits}
    for country in _COUNTRIES.split():
        form = _ibandb.info(f"{country}00")[0][1]["bban"]
        parts = re.findall(r"(\d+)!?([nac])", form)
        account = "".join(draw.choice(letters[kind]) for size, kind in parts for _ in range(int(size)))
        check = 98 - int("".join(str(int(char, 36)) for char in f"{account}{country}00")) % 97
        for digits in (check, check % 96 + 2):
            text = f"{country}{digits:02d}{account}"
            cases += [Case(written(text), digits == check) for written in _WRITINGS]
    return cases


def _spaced(iban: str, between: str = " ") -> str:
    return between.join(iban[at : at + 4] for at in range(0, len(iban), 4))


_COUNTRIES = (
    "AD AE AL AT AZ BA BE BG BH BR CH CR CY CZ DE DK DO EE ES FI FO FR GB GE GI GL GR GT HR HU IE IL IS IT JO KW KZ LB LI "
    "LT LU LV MC MD ME MK MR MT MU NL NO PK PL PS PT QA RO RS SA SE SI SK SM TN TR UA VG XK EG IQ"
)
_WRITINGS = (
    str, _spaced, str.lower, lambda v: f"IBAN: {_spaced(v)} BIC XXXX", lambda v: f"IBAN {v}.", lambda v: _spaced(v, "-"),
    lambda v: _spaced(v, "\u00a0"), lambda v: f"iban={v}&x", lambda v: f"Pay {_spaced(v)} and then leave",
    lambda v: f"IBAN{v}", lambda v: _spaced(v, "."),
)  # fmt: skip
CARDS = [
    *_cards(),
    *planted("カード番号は4111111111111111です", "카드4111-1111-1111-1111번", "卡号４１１１１１１１１１１１１１１１"),
    *clean(
        *[
            "Order 4111-1111-1111-1112",
            "IMEI 490154203237518",
            "ICCID 8944500102198304826",
            "UUID 550e8400-e29b-41d4-a716-446655440000",
            "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "EAN 4006381333931",
            "GTIN-14: 10614141000415",
            "3.141592653589793",
            "2.718281828459045",
            "0.5772156649015329",
            "1/4111111111111111",
            "ISBN 978-3-16-148410-0",
            "Unix ms 1609459200000",
            "1609459200000000000 ns",
            "9007199254740991",
            "18446744073709551615",
            "4294967296 * 4294967296 = 18446744073709551616",
            "DE89 3704 0044 0532 0130 00",
            "Tracking number 9400 1000 0000 0000 0000 00",
            "Snowflake 175928847299117063",
            "tweet id 1212092628029698048",
            "https://twitter.com/x/status/1212092628029698048",
            "factorial: 15! = 1307674368000, 16! = 20922789888000, 17! = 355687428096000",
            "2^50 = 1125899906842624",
            "2^53=9007199254740992",
            "fib(80) = 23416728348467685",
            "10 20 30 40 50 60 70 80",
            "1 22 333 4444 55555 666666",
            "1111 2222 3333 4445",
            "primes 1009 1013 1019 1021 1031",
            "years 1984 1999 2001 2010",
            "years: 2001 2003 2005 2007 2009",
            "4000 4100 4200 4300",
            "0x4111111111111111",
            "id_4111111111111111",
            "abc4111111111111111",
            "4111111111111111abc",
            "phone +49 151 2345 6789 012",
            "12 34 56 78 90 12 34 56",
            "4 111 111 111 111 111",
            "5,555,555,555,554,444",
        ]
    ),
]
IBANS = [*_ibans(), *planted("账号DE89370400440532013000", "口座:DE89370400440532013000です")]
