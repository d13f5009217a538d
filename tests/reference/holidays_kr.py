#!/usr/bin/python3
"""Prints pipelines/holidays-kr.csv: the public holidays of South Korea, 2013 to 2028, from the rules and the sky.

Seollal is the first day of the lunar year, Buddha's birthday the 8th of the 4th month, Chuseok the 15th of the 8th. A lunar month begins on the
day (Korean time, UTC+9) of the new moon; the month with the winter solstice is the 11th; between two of these, with 13 months, the first one in
which the sun's longitude passes no multiple of 30 degrees is a leap month. New moons: J. Meeus, Astronomical Algorithms, 2nd ed., chapter 49 (good to
a few seconds of time); longitude of the sun: chapter 25 (0.01 degrees). Dynamical time is taken as 70 s ahead of universal time.

Substitute holidays (Regulations on Holidays of Public Agencies, article 3): Seollal and Chuseok that fall on a Sunday or another holiday, and Children's Day
that falls on a Saturday, a Sunday or another holiday, from autumn 2013 on; 1 March, 15 August, 3 October and 9 October on a Saturday or Sunday from
15 August 2021 on; Buddha's birthday and Christmas from 27 May 2023 on: the next day that is none of these. Elections and days that the government
declared are listed by hand up to 2026: later ones will have to be added. Not in the list: Labour Day (no public holiday in these years) and Constitution
Day (none from 2008 to 2025)."""
import sys
from datetime import date, timedelta
from math import cos, floor, radians, sin

FIRST, LAST = 2013, 2028
DECLARED = {
    date(2014, 6, 4): "지방선거", date(2015, 8, 14): "임시공휴일", date(2016, 4, 13): "국회의원선거", date(2016, 5, 6): "임시공휴일",
    date(2017, 5, 9): "대통령선거", date(2017, 10, 2): "임시공휴일", date(2018, 6, 13): "지방선거", date(2020, 4, 15): "국회의원선거",
    date(2020, 8, 17): "임시공휴일", date(2022, 3, 9): "대통령선거", date(2022, 6, 1): "지방선거", date(2023, 10, 2): "임시공휴일",
    date(2024, 4, 10): "국회의원선거", date(2024, 10, 1): "임시공휴일", date(2025, 1, 27): "임시공휴일", date(2025, 6, 3): "대통령선거",
    date(2026, 6, 3): "지방선거",
}


def new_moon(k):
    """Julian day (dynamical time) of new moon number k, counted from January 2000."""
    t = k / 1236.85
    jde = 2451550.09766 + 29.530588861 * k + 0.00015437 * t**2 - 0.00000015 * t**3 + 0.00000000073 * t**4
    e = 1 - 0.002516 * t - 0.0000074 * t**2
    m = radians(2.5534 + 29.1053567 * k - 0.0000014 * t**2)
    mm = radians(201.5643 + 385.81693528 * k + 0.0107582 * t**2)
    f = radians(160.7108 + 390.67050284 * k - 0.0016118 * t**2)
    o = radians(124.7746 - 1.56375588 * k + 0.0020672 * t**2)
    jde += (-0.40720 * sin(mm) + 0.17241 * e * sin(m) + 0.01608 * sin(2 * mm) + 0.01039 * sin(2 * f) + 0.00739 * e * sin(mm - m)
            - 0.00514 * e * sin(mm + m) + 0.00208 * e * e * sin(2 * m) - 0.00111 * sin(mm - 2 * f) - 0.00057 * sin(mm + 2 * f)
            + 0.00056 * e * sin(2 * mm + m) - 0.00042 * sin(3 * mm) + 0.00042 * e * sin(m + 2 * f) + 0.00038 * e * sin(m - 2 * f)
            - 0.00024 * e * sin(2 * mm - m) - 0.00017 * sin(o) - 0.00007 * sin(mm + 2 * m) + 0.00004 * sin(2 * mm - 2 * f) + 0.00004 * sin(3 * m)
            + 0.00003 * sin(mm + m - 2 * f) + 0.00003 * sin(2 * mm + 2 * f) - 0.00003 * sin(mm + m + 2 * f) + 0.00003 * sin(mm - m + 2 * f)
            - 0.00002 * sin(mm - m - 2 * f) - 0.00002 * sin(3 * mm + m) + 0.00002 * sin(4 * mm))
    return jde + 0.000325 * sin(radians(299.77 + 0.107408 * k - 0.009173 * t**2))


def korean_day(jde):
    """The Korean calendar day of a Julian day."""
    return date.fromordinal(floor(jde - 70 / 86400 + 9 / 24 + 0.5) - 1721425)


def sun(jde):
    """Apparent longitude of the sun in degrees."""
    t = (jde - 2451545) / 36525
    m = radians(357.52911 + 35999.05029 * t - 0.0001537 * t**2)
    c = (1.914602 - 0.004817 * t) * sin(m) + (0.019993 - 0.000101 * t) * sin(2 * m) + 0.000289 * sin(3 * m)
    return (280.46646 + 36000.76983 * t + 0.0003032 * t**2 + c - 0.00569 - 0.00478 * sin(radians(125.04 - 1934.136 * t))) % 360


def term(day):
    """The sun's longitude at the end of a Korean day, in 30 degrees."""
    return floor(sun(day.toordinal() + 1721425.5 - 9 / 24 + 70 / 86400) / 30)


def lunar_months():
    """{(year, month): first day} of all months that are no leap months."""
    k = floor((FIRST - 2 - 2000) * 12.3685)
    begin = [korean_day(new_moon(k + i)) for i in range((LAST - FIRST + 4) * 13)]
    # The winter solstice: longitude 270 is passed within the month.
    passed = [[t % 12 for t in range(term(a - timedelta(1)) + 1, term(a - timedelta(1)) + 1 + (term(b - timedelta(1)) - term(a - timedelta(1))) % 12)]
              for a, b in zip(begin, begin[1:])]
    winter = [i for i, p in enumerate(passed) if 9 in p]
    out = {}
    for a, b in zip(winter, winter[1:]):
        leap = next((i for i in range(a + 1, b) if not passed[i]), None) if b - a == 13 else None
        number = 11
        for i in range(a, b):
            if i == leap:
                continue
            out[(begin[b].year - (1 if number > 10 and i < a + 3 else 0), number)] = begin[i]
            number = number % 12 + 1
    return out


def holidays():
    months = lunar_months()
    days = {}
    substitutes = []  # (day, name, also on Saturday, from)

    def add(day, name):
        days.setdefault(day, []).append(name)

    for y in range(FIRST, LAST + 1):
        new_year, buddha, chuseok = months[(y, 1)], months[(y, 4)] + timedelta(7), months[(y, 8)] + timedelta(14)
        for name, day in (("설날", new_year), ("추석", chuseok)):
            for i in (-1, 0, 1):
                add(day + timedelta(i), name if i == 0 else name + " 연휴")
                substitutes.append((day + timedelta(i), name, False, date(2013, 11, 5)))
        for m, d, name in ((1, 1, "신정"), (3, 1, "삼일절"), (5, 5, "어린이날"), (6, 6, "현충일"), (8, 15, "광복절"), (10, 3, "개천절"), (10, 9, "한글날"),
                           (12, 25, "기독탄신일")):
            add(date(y, m, d), name)
            if name not in ("신정", "현충일"):
                since = {"어린이날": date(2013, 11, 5), "기독탄신일": date(2023, 5, 4)}.get(name, date(2021, 8, 4))
                substitutes.append((date(y, m, d), name, True, since))
        add(buddha, "부처님오신날")
        substitutes.append((buddha, "부처님오신날", True, date(2023, 5, 4)))
    for day, name in DECLARED.items():
        add(day, name)
    given = set()
    for day, name, saturday, since in sorted(substitutes):
        shared = [n for n in days[day] if "대체" not in n]
        # Two holidays on one day give one substitute.
        hit = day.weekday() == 6 or (saturday and day.weekday() == 5) or (len(shared) > 1 and day not in given)
        if not hit or day < since:
            continue
        given.add(day)
        to = day
        while to in days or to.weekday() == 6 or (saturday and to.weekday() == 5):
            to += timedelta(1)
        add(to, name + " 대체공휴일")
    return days


def main():
    print("date,name")
    for day, names in sorted(holidays().items()):
        print(f"{day},{' / '.join(names)}")


if __name__ == "__main__":
    sys.exit(main())
