"""Places: real cities and their airports, the big ones first.

Codes are IATA's, time zones IANA's, coordinates those of the city's centre in degrees. Time zone rules come from the
`tzdata` package alone, so that a scenario doesn't depend on the machine that builds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

SECTION = "places@1"


@dataclass(frozen=True, slots=True)
class Airport:
    """An airport that serves a city; `name` is without the word "Airport" where a person would leave it out."""

    code: str
    name: str
    city: str


@dataclass(frozen=True, slots=True)
class City:
    """A city; `country` is its ISO 3166 code, and its main airport comes first."""

    name: str
    country: str
    country_name: str
    timezone: str
    latitude: float
    longitude: float
    airports: tuple[Airport, ...]

    @property
    def zone(self) -> ZoneInfo:
        """The city's time zone, to turn instants into local times."""
        return zone(self.timezone)


@cache
def zone(name: str) -> ZoneInfo:
    """Give the time zone `name` as the tzdata package has it."""
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def _city(
    name: str, country: tuple[str, str], timezone: str, place: tuple[float, float], airports: dict[str, str]
) -> City:
    """Give a city from one line of the table below."""
    served = tuple(Airport(code, airport, name) for code, airport in airports.items())
    return City(name, *country, timezone, *place, served)


_ARGENTINA = ("AR", "Argentina")
_AUSTRALIA = ("AU", "Australia")
_AUSTRIA = ("AT", "Austria")
_BELGIUM = ("BE", "Belgium")
_BRAZIL = ("BR", "Brazil")
_CANADA = ("CA", "Canada")
_CZECHIA = ("CZ", "Czechia")
_DENMARK = ("DK", "Denmark")
_EGYPT = ("EG", "Egypt")
_FINLAND = ("FI", "Finland")
_FRANCE = ("FR", "France")
_GERMANY = ("DE", "Germany")
_GREECE = ("GR", "Greece")
_HONG_KONG = ("HK", "Hong Kong")
_HUNGARY = ("HU", "Hungary")
_INDIA = ("IN", "India")
_IRELAND = ("IE", "Ireland")
_ITALY = ("IT", "Italy")
_JAPAN = ("JP", "Japan")
_KENYA = ("KE", "Kenya")
_MEXICO = ("MX", "Mexico")
_NETHERLANDS = ("NL", "Netherlands")
_NEW_ZEALAND = ("NZ", "New Zealand")
_NORWAY = ("NO", "Norway")
_POLAND = ("PL", "Poland")
_PORTUGAL = ("PT", "Portugal")
_QATAR = ("QA", "Qatar")
_SINGAPORE = ("SG", "Singapore")
_SOUTH_AFRICA = ("ZA", "South Africa")
_SOUTH_KOREA = ("KR", "South Korea")
_SPAIN = ("ES", "Spain")
_SWEDEN = ("SE", "Sweden")
_SWITZERLAND = ("CH", "Switzerland")
_THAILAND = ("TH", "Thailand")
_TURKEY = ("TR", "Turkey")
_UNITED_ARAB_EMIRATES = ("AE", "United Arab Emirates")
_UNITED_KINGDOM = ("GB", "United Kingdom")
_UNITED_STATES = ("US", "United States")

CITIES: tuple[City, ...] = (
    _city(
        "London",
        _UNITED_KINGDOM,
        "Europe/London",
        (51.5074, -0.1278),
        {"LHR": "Heathrow", "LGW": "Gatwick", "STN": "Stansted", "LCY": "London City"},
    ),
    _city(
        "New York",
        _UNITED_STATES,
        "America/New_York",
        (40.7128, -74.006),
        {"JFK": "John F. Kennedy", "EWR": "Newark Liberty", "LGA": "LaGuardia"},
    ),
    _city("Tokyo", _JAPAN, "Asia/Tokyo", (35.6762, 139.6503), {"HND": "Haneda", "NRT": "Narita"}),
    _city(
        "Los Angeles", _UNITED_STATES, "America/Los_Angeles", (34.0522, -118.2437), {"LAX": "Los Angeles International"}
    ),
    _city("Paris", _FRANCE, "Europe/Paris", (48.8566, 2.3522), {"CDG": "Charles de Gaulle", "ORY": "Orly"}),
    _city("Chicago", _UNITED_STATES, "America/Chicago", (41.8781, -87.6298), {"ORD": "O'Hare", "MDW": "Midway"}),
    _city("Singapore", _SINGAPORE, "Asia/Singapore", (1.3521, 103.8198), {"SIN": "Changi"}),
    _city("Dubai", _UNITED_ARAB_EMIRATES, "Asia/Dubai", (25.2048, 55.2708), {"DXB": "Dubai International"}),
    _city("Atlanta", _UNITED_STATES, "America/New_York", (33.749, -84.388), {"ATL": "Hartsfield-Jackson"}),
    _city("Amsterdam", _NETHERLANDS, "Europe/Amsterdam", (52.3676, 4.9041), {"AMS": "Schiphol"}),
    _city("Frankfurt", _GERMANY, "Europe/Berlin", (50.1109, 8.6821), {"FRA": "Frankfurt"}),
    _city("Madrid", _SPAIN, "Europe/Madrid", (40.4168, -3.7038), {"MAD": "Barajas"}),
    _city("Hong Kong", _HONG_KONG, "Asia/Hong_Kong", (22.3193, 114.1694), {"HKG": "Hong Kong International"}),
    _city("Seoul", _SOUTH_KOREA, "Asia/Seoul", (37.5665, 126.978), {"ICN": "Incheon", "GMP": "Gimpo"}),
    _city(
        "San Francisco",
        _UNITED_STATES,
        "America/Los_Angeles",
        (37.7749, -122.4194),
        {"SFO": "San Francisco International"},
    ),
    _city("Boston", _UNITED_STATES, "America/New_York", (42.3601, -71.0589), {"BOS": "Logan"}),
    _city(
        "Dallas",
        _UNITED_STATES,
        "America/Chicago",
        (32.7767, -96.797),
        {"DFW": "Dallas Fort Worth", "DAL": "Love Field"},
    ),
    _city("Denver", _UNITED_STATES, "America/Denver", (39.7392, -104.9903), {"DEN": "Denver International"}),
    _city("Seattle", _UNITED_STATES, "America/Los_Angeles", (47.6062, -122.3321), {"SEA": "Seattle-Tacoma"}),
    _city("Miami", _UNITED_STATES, "America/New_York", (25.7617, -80.1918), {"MIA": "Miami International"}),
    _city(
        "Washington",
        _UNITED_STATES,
        "America/New_York",
        (38.9072, -77.0369),
        {"IAD": "Dulles", "DCA": "Reagan National"},
    ),
    _city("Toronto", _CANADA, "America/Toronto", (43.6532, -79.3832), {"YYZ": "Pearson", "YTZ": "Billy Bishop"}),
    _city(
        "Istanbul", _TURKEY, "Europe/Istanbul", (41.0082, 28.9784), {"IST": "Istanbul Airport", "SAW": "Sabiha Gokcen"}
    ),
    _city("Barcelona", _SPAIN, "Europe/Madrid", (41.3874, 2.1686), {"BCN": "El Prat"}),
    _city("Rome", _ITALY, "Europe/Rome", (41.9028, 12.4964), {"FCO": "Fiumicino", "CIA": "Ciampino"}),
    _city("Munich", _GERMANY, "Europe/Berlin", (48.1351, 11.582), {"MUC": "Munich"}),
    _city("Zurich", _SWITZERLAND, "Europe/Zurich", (47.3769, 8.5417), {"ZRH": "Kloten"}),
    _city("Berlin", _GERMANY, "Europe/Berlin", (52.52, 13.405), {"BER": "Berlin Brandenburg"}),
    _city("Sydney", _AUSTRALIA, "Australia/Sydney", (-33.8688, 151.2093), {"SYD": "Kingsford Smith"}),
    _city("Bangkok", _THAILAND, "Asia/Bangkok", (13.7563, 100.5018), {"BKK": "Suvarnabhumi", "DMK": "Don Mueang"}),
    _city("Delhi", _INDIA, "Asia/Kolkata", (28.6139, 77.209), {"DEL": "Indira Gandhi"}),
    _city("Mumbai", _INDIA, "Asia/Kolkata", (19.076, 72.8777), {"BOM": "Chhatrapati Shivaji Maharaj"}),
    _city("Mexico City", _MEXICO, "America/Mexico_City", (19.4326, -99.1332), {"MEX": "Benito Juarez"}),
    _city("São Paulo", _BRAZIL, "America/Sao_Paulo", (-23.5505, -46.6333), {"GRU": "Guarulhos", "CGH": "Congonhas"}),
    _city("Vienna", _AUSTRIA, "Europe/Vienna", (48.2082, 16.3738), {"VIE": "Schwechat"}),
    _city("Copenhagen", _DENMARK, "Europe/Copenhagen", (55.6761, 12.5683), {"CPH": "Kastrup"}),
    _city("Stockholm", _SWEDEN, "Europe/Stockholm", (59.3293, 18.0686), {"ARN": "Arlanda", "BMA": "Bromma"}),
    _city("Oslo", _NORWAY, "Europe/Oslo", (59.9139, 10.7522), {"OSL": "Gardermoen"}),
    _city("Dublin", _IRELAND, "Europe/Dublin", (53.3498, -6.2603), {"DUB": "Dublin"}),
    _city("Lisbon", _PORTUGAL, "Europe/Lisbon", (38.7223, -9.1393), {"LIS": "Humberto Delgado"}),
    _city("Brussels", _BELGIUM, "Europe/Brussels", (50.8503, 4.3517), {"BRU": "Zaventem"}),
    _city("Milan", _ITALY, "Europe/Rome", (45.4642, 9.19), {"MXP": "Malpensa", "LIN": "Linate"}),
    _city("Athens", _GREECE, "Europe/Athens", (37.9838, 23.7275), {"ATH": "Eleftherios Venizelos"}),
    _city("Warsaw", _POLAND, "Europe/Warsaw", (52.2297, 21.0122), {"WAW": "Chopin"}),
    _city("Prague", _CZECHIA, "Europe/Prague", (50.0755, 14.4378), {"PRG": "Vaclav Havel"}),
    _city("Budapest", _HUNGARY, "Europe/Budapest", (47.4979, 19.0402), {"BUD": "Ferenc Liszt"}),
    _city("Helsinki", _FINLAND, "Europe/Helsinki", (60.1699, 24.9384), {"HEL": "Vantaa"}),
    _city("Montreal", _CANADA, "America/Toronto", (45.5017, -73.5673), {"YUL": "Trudeau"}),
    _city("Vancouver", _CANADA, "America/Vancouver", (49.2827, -123.1207), {"YVR": "Vancouver International"}),
    _city("Houston", _UNITED_STATES, "America/Chicago", (29.7604, -95.3698), {"IAH": "George Bush", "HOU": "Hobby"}),
    _city("Phoenix", _UNITED_STATES, "America/Phoenix", (33.4484, -112.074), {"PHX": "Sky Harbor"}),
    _city(
        "Philadelphia", _UNITED_STATES, "America/New_York", (39.9526, -75.1652), {"PHL": "Philadelphia International"}
    ),
    _city("Minneapolis", _UNITED_STATES, "America/Chicago", (44.9778, -93.265), {"MSP": "Minneapolis-Saint Paul"}),
    _city("Orlando", _UNITED_STATES, "America/New_York", (28.5384, -81.3789), {"MCO": "Orlando International"}),
    _city("Las Vegas", _UNITED_STATES, "America/Los_Angeles", (36.1716, -115.1391), {"LAS": "Harry Reid"}),
    _city("Melbourne", _AUSTRALIA, "Australia/Melbourne", (-37.8136, 144.9631), {"MEL": "Tullamarine"}),
    _city("Auckland", _NEW_ZEALAND, "Pacific/Auckland", (-36.8509, 174.7645), {"AKL": "Auckland"}),
    _city("Johannesburg", _SOUTH_AFRICA, "Africa/Johannesburg", (-26.2041, 28.0473), {"JNB": "O. R. Tambo"}),
    _city("Cape Town", _SOUTH_AFRICA, "Africa/Johannesburg", (-33.9249, 18.4241), {"CPT": "Cape Town International"}),
    _city("Cairo", _EGYPT, "Africa/Cairo", (30.0444, 31.2357), {"CAI": "Cairo International"}),
    _city("Nairobi", _KENYA, "Africa/Nairobi", (-1.2921, 36.8219), {"NBO": "Jomo Kenyatta"}),
    _city("Doha", _QATAR, "Asia/Qatar", (25.2854, 51.531), {"DOH": "Hamad"}),
    _city(
        "Buenos Aires",
        _ARGENTINA,
        "America/Argentina/Buenos_Aires",
        (-34.6037, -58.3816),
        {"EZE": "Ezeiza", "AEP": "Aeroparque"},
    ),
    _city("Manchester", _UNITED_KINGDOM, "Europe/London", (53.4808, -2.2426), {"MAN": "Manchester"}),
    _city("Edinburgh", _UNITED_KINGDOM, "Europe/London", (55.9533, -3.1883), {"EDI": "Edinburgh"}),
    _city("Hamburg", _GERMANY, "Europe/Berlin", (53.5511, 9.9937), {"HAM": "Fuhlsbuettel"}),
)
