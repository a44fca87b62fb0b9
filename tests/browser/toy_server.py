"""Serves the real app over toy cities with the toy planner: python toy_server.py PORT. Cities come from $CHAUKAS_CITIES."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

if __name__ == "__main__":
    from screens import jobs
    from tests.screens.toy import fake_make_ladder, fake_make_plan

    jobs.desk = jobs.Desk(fake_make_plan)
    jobs.ladders = jobs.Desk(fake_make_ladder, jobs.desk.turns, jobs.keep_ladder)
    from app import app

    app.run(config={"server.port": int(sys.argv[1]), "server.address": "127.0.0.1", "server.headless": True})
