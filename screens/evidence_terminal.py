"""Footage asked for and handed over, from a terminal: `live evidence ask`, `hand-over`, `show`, `check`."""

from __future__ import annotations

import argparse
from datetime import datetime


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `evidence` to the commands of `live`."""
    kinds = commands.add_parser("evidence", help="footage asked for and handed over").add_subparsers(required=True, metavar="EVIDENCE-COMMAND")
    ask = kinds.add_parser("ask", help="which cameras could have recorded a place and a time, written down as a request")
    ask.add_argument("city", help="a city's name")
    ask.add_argument("--at", required=True, metavar="LAT,LON", help="the place, in degrees")
    ask.add_argument("--from", dest="since", required=True, metavar="TIME", help="begin, by this machine's clock or with a zone: 2026-11-20T22:30")
    ask.add_argument("--until", required=True, metavar="TIME", help="end")
    ask.add_argument("--by", required=True, help="who asks")
    ask.add_argument("--reason", required=True, help="why")
    ask.add_argument("--case", default="", help="the case it belongs to")
    ask.set_defaults(run=_ask)
    hand = kinds.add_parser("hand-over", help="write down files that are given on for a request, each with its SHA-256")
    hand.add_argument("city", help="a city's name")
    hand.add_argument("request", help="the request's id")
    hand.add_argument("file", nargs="+", help="the files given on")
    hand.add_argument("--by", required=True, help="who gives them")
    hand.add_argument("--to", required=True, help="who receives them")
    hand.add_argument("--note", default="", help="how, on what")
    hand.set_defaults(run=_hand_over)
    show = kinds.add_parser("show", help="print requests, or one with its chain of custody, and whether the ledger holds")
    show.add_argument("city", help="a city's name")
    show.add_argument("request", nargs="?", default="", help="the request's id")
    show.add_argument("--pdf", metavar="FILE", default="", help="write the request and its chain of custody as a page to be signed")
    show.add_argument("--lang", choices=("hi", "en"), default="hi", help="of the page: Hindi or English (default hi)")
    show.set_defaults(run=_show)
    check = kinds.add_parser("check", help="tell whether files are those that were handed over for a request")
    check.add_argument("city", help="a city's name")
    check.add_argument("request", help="the request's id")
    check.add_argument("file", nargs="+", help="files as they are now")
    check.set_defaults(run=_check)


def _ask(options: argparse.Namespace) -> int:
    from coverage.who_saw import read_place
    from live.evidence import Ledger, as_text, ask
    from planning.accounts import TERMINAL
    from planning.register import Register
    from screens.deploy_terminal import read_moment
    from screens.terminal import open_city

    lat, lon = read_place(options.at)
    begin, end = read_moment(options.since), read_moment(options.until)
    now = datetime.now().astimezone()
    hung = Register().list(options.city)
    asked = ask(open_city(options.city), hung, lat, lon, begin, end, at=now, by=options.by, reason=options.reason, case=options.case)
    Ledger(by=TERMINAL.id).add(options.city, asked)
    print(as_text(asked, ()))
    return 0


def _hand_over(options: argparse.Namespace) -> int:
    from live.evidence import HandOver, Ledger, as_text, weigh
    from planning.accounts import TERMINAL

    ledger, now = Ledger(by=TERMINAL.id), datetime.now().astimezone()
    ledger.add(options.city, HandOver(now, options.request, options.by, options.to, weigh(options.file), options.note))
    asked = next(one for one in ledger.asked(options.city) if one.id == options.request)
    print(as_text(asked, ledger.handed(options.city, options.request)))
    return 0


def _show(options: argparse.Namespace) -> int:
    from live.custody import write_custody
    from live.evidence import Ledger, as_text
    from planning.accounts import TERMINAL
    from planning.errors import InputError
    from screens.terminal import open_city
    from screens.words import words

    ledger = Ledger(by=TERMINAL.id)
    if options.pdf and not options.request:
        raise InputError.one("evidence.request", "A page is of one request", "Name its id, as chaukas live evidence show prints it")
    broken = ledger.broken(options.city)
    if broken is not None:
        what = f"Line {broken} of the ledger was changed, or one before it taken out"
        raise InputError.one("evidence.chain", what, "Compare it with a backup; trust no line from there on", options.city)
    found = ledger.asked(options.city)
    if options.request:
        asked = next((one for one in found if one.id == options.request), None)
        if asked is None:
            raise InputError.one("evidence.request", "There is no such request for footage", "Ask first, or mend its id", options.request)
        handed = ledger.handed(options.city, options.request)
        print(as_text(asked, handed))
        if options.pdf:
            city, said, seal = open_city(options.city), words(options.lang).catalogue, ledger.seal(options.city)
            write_custody(asked, handed, city, options.pdf, words=said, hindi=options.lang == "hi", seal=seal)
            print(f"written to {options.pdf}, SHA-256 {ledger.note_page(asked.id, options.pdf)}")
    for asked in () if options.request else found:
        given = sum(len(one.files) for one in ledger.handed(options.city, asked.id))
        print("\t".join((asked.id, asked.at.isoformat(timespec="minutes"), asked.by, asked.case, f"{len(asked.cameras)} cameras", f"{given} files")))
    print("The ledger holds: no line was changed.")
    return 0


def _check(options: argparse.Namespace) -> int:
    from live.evidence import Ledger, weigh
    from planning.errors import Fault, InputError

    given = {one.sha256: one.name for over in Ledger().handed(options.city, options.request) for one in over.files}
    faults = []
    for one in weigh(options.file):
        if one.sha256 in given:
            print(f"{one.name}: as handed over, {given[one.sha256]}")
        else:
            what = "This file is none of those handed over for the request, or was changed since"
            faults.append(Fault("evidence.differs", what, "Ask for it again from who keeps the original", one.name))
    if faults:
        raise InputError(faults)
    return 0
