#!/usr/bin/env python3
"""A year of a credit bank on four real nodes, by the command line alone: institutions join and courses are accredited by
vote, accounts are opened, a term is deposited in bulk, an own application is confirmed and another refused, outcomes are
recognised and converted, points earned and redeemed, consent asked for, given, used and withdrawn, records disputed,
corrected and revoked with what rests on them, two accounts merged; at the end every archive is proved and checked offline."""
import json
import os
import re
import shutil
import unittest

import harness
from harness import DEMO, XUELIAN, Network, learner, run

BANK, UNIVERSITY, OTHER_UNIVERSITY, TRAINING, EMPLOYER, IDENTITY, JOINS = 1, 2, 3, 4, 6, 7, 8
INSTITUTIONS = f"""member,name_zh,name_en,kind,region,roles,deposit_kinds
{BANK},演示学分银行,Credit Bank (demonstration),credit_bank,330106,open_accounts deposit recognise convert govern statistics audit,other_learning
{UNIVERSITY},演示第一大学,First University (demonstration),university,330110,open_accounts deposit recognise convert govern,degree_course component online_course
{OTHER_UNIVERSITY},演示第二大学,Second University (demonstration),university,330205,open_accounts deposit recognise convert govern,degree_course
{TRAINING},演示培训中心,Training Centre (demonstration),training_body,330302,open_accounts deposit govern,vocational_training certificate
{EMPLOYER},演示用人单位,Employer (demonstration),employer,330106,query,
{IDENTITY},演示实名认证,Identity Service (demonstration),identity_service,330106,,
"""
RULES = f"""rules:
  - id: 1
    series: 1
    version: 1
    kind: conversion
    status: in_force
    name_zh: 培训成果转换选修学分
    owner: {OTHER_UNIVERSITY}
    notice_date: 2024-01-01
    from_date: 2024-02-01
    source_kind: vocational_training
    basis: credits
    ratio_num: 1
    ratio_den: 2
    ceiling: 400
    programme: 1
    programme_ceiling: 600
    target_kind: elective
    consuming: true
  - id: 2
    series: 2
    version: 1
    kind: accrual
    status: in_force
    name_zh: 培训积分
    owner: {BANK}
    notice_date: 2024-01-01
    from_date: 2024-02-01
    source_kind: vocational_training
    basis: outcome
    ratio_num: 10
    ratio_den: 1
    ceiling: 1000
    yearly_ceiling: 100
    life: 24
    automatic: true
catalogue:
  - id: 1
    version: 1
    status: open
    name_zh: 图书
    provider: {BANK}
    price: 8
    stock: 1
"""
A, B, C, TWICE = 1, 2, 3, 4  # learners: A and C have no key of their own, B gets one; TWICE is C again
COMMITMENT = "11" * 32


def make_tables(folder):
    os.mkdir(folder)
    for name in ("regions.csv", "courses.csv"):
        shutil.copy(os.path.join(DEMO, name), folder)
    for name, text in (("institutions.csv", INSTITUTIONS), ("rules.yaml", RULES)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    return folder


class Year(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.top = harness.tempfile.mkdtemp(prefix="xuelian-year-")
        cls.addClassCleanup(shutil.rmtree, cls.top)
        tables = make_tables(os.path.join(cls.top, "tables"))
        cls.net = Network(tables=tables, arguments=("--rules", os.path.join(tables, "rules.yaml"), "--base-port",
                                                    harness.free_base(12)))
        cls.addClassCleanup(cls.net.close)
        cls.net.wait_ready()
        for name in ("b", "joins"):
            cls.make_key(name)

    # ---- tools ----

    @classmethod
    def key_path(cls, name):
        return os.path.join(cls.top, name + ".key"), os.path.join(cls.top, name + ".passphrase")

    @classmethod
    def make_key(cls, name):
        key, passphrase = cls.key_path(name)
        with open(passphrase, "w", encoding="utf-8") as file:
            file.write("a long enough passphrase\n")
        run(XUELIAN, "key", "new", key, "--passphrase-file", passphrase)

    @classmethod
    def public_key(cls, name):
        key, passphrase = cls.key_path(name)
        shown = json.loads(run(XUELIAN, "key", "show", key, "--passphrase-file", passphrase, "--json").stdout)
        return next(value for value in shown.values() if re.fullmatch(r"0[23][0-9a-f]{64}", str(value)))

    def tx(self, kind, *words, refused=None):
        """Sends a transaction; its id. refused: the name of the code that it must end with."""
        done = run(XUELIAN, "tx", "new", kind, *words, "--network", self.net.folder, "--json", ok=False)
        self.assertEqual(done.returncode, 0 if refused is None else 1, f"{kind} {words}: {done.stdout}{done.stderr}")
        said = json.loads(done.stdout)
        self.assertEqual(said["name"], refused or "OK", done.stdout)
        return said["id"]

    def file(self, value):
        path = os.path.join(self.top, "payload.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(value, file)
        return path

    def by_learner(self, number, name):
        key, passphrase = self.key_path(name)
        return ("--learner", learner(number), "--key", key, "--passphrase-file", passphrase)

    def read(self, number, member):
        """What xuelian archive says to a member."""
        return run(XUELIAN, "archive", learner(number), "--as", member, "--network", self.net.folder).stdout

    def archive(self, number):
        return self.net.nodes[0].get(f"/v1/accounts/{learner(number)}/archive")

    def item(self, number, item):
        return self.archive(number)["items"][item - 1]

    def outcome(self, number, issuer, kind, date, credits, **more):
        return {"account": learner(number), "issuer": issuer, "kind": kind, "award_date": date, "credits": credits,
                "hours": "10", "source": "institution", "region": 330110 if issuer != TRAINING else 330302, **more}

    def vote(self, changes):
        """Proposes, and the others with a vote approve until it is enacted."""
        proposal = self.tx("govern-propose", "--payload", self.file({"changes": changes, "open_until": 100000}),
                           "--member", BANK)
        self.tx("govern-approve", f"proposal={proposal}", "--member", UNIVERSITY)
        self.tx("govern-approve", f"proposal={proposal}", "--member", OTHER_UNIVERSITY)
        return proposal

    # ---- the year ----

    def test_year(self):
        for step in (self.institutions_join, self.accounts_open, self.term_is_deposited, self.own_application,
                     self.recognised, self.converted, self.points, self.consent, self.dispute,
                     self.corrected_and_revoked, self.merged, self.all_proved):
            with self.subTest(step.__name__):
                step()

    def institutions_join(self):
        proposal = self.vote([
            {"member": {"id": JOINS, "kind": "community_school", "name_zh": "演示社区学校", "region": 330106,
                        "roles": ["deposit"], "deposit_kinds": ["community"],
                        "keys": [{"key": self.public_key("joins")}]}},
            {"course": {"id": 90001, "version": 1, "name_zh": "演示电工", "kind": "vocational_training", "level": 3,
                        "credits": "8", "hours": "160", "accredited_by": BANK, "from_date": "2024-01-01"}}])
        self.tx("govern-approve", f"proposal={proposal}", "--member", TRAINING, refused="PROPOSAL_DECIDED")

    def accounts_open(self):
        for number in (A, B, C, TWICE):
            self.tx("account-open", f"learner={learner(number)}", f"identity_commitment={COMMITMENT}", "region=330106",
                    "--member", BANK)
        self.tx("account-claim", f"account={learner(B)}", f"identity_commitment={COMMITMENT}",
                f"new_key={self.public_key('b')}", "--member", BANK, "--member", IDENTITY)

    def term_is_deposited(self):
        term = [self.outcome(number, UNIVERSITY, "degree_course", f"2025-0{month}-20", "3") for number in (A, B, C)
                for month in (1, 6)]
        self.tx("deposit-bulk", "--payload", self.file(term), "--member", UNIVERSITY)
        training = [self.outcome(number, TRAINING, "vocational_training", "2025-03-01", "8", course=90001,
                                 course_version=1) for number in (A, B)]
        self.tx("deposit-bulk", "--payload", self.file(training), "--member", TRAINING)
        # A member that joined by vote signs with its own key file.
        key, passphrase = self.key_path("joins")
        self.tx("deposit", "--payload", self.file(self.outcome(A, JOINS, "community", "2025-04-01", "1")), "--member",
                f"{JOINS}", "--key", key, "--passphrase-file", passphrase)

    def own_application(self):
        mine = self.outcome(B, UNIVERSITY, "online_course", "2025-05-01", "2", source="learner")
        self.tx("apply", "--payload", self.file(mine), *self.by_learner(B, "b"))
        number = len(self.archive(B)["items"])
        self.assertEqual(self.item(B, number)["status"], "applied")
        decision = {"account": learner(B), "item": number, "version_hash": "newest", "outcome": mine}
        self.tx("apply-decide", "--payload", self.file(decision), "--member", UNIVERSITY)
        self.assertEqual(self.item(B, number)["status"], "valid")
        self.tx("apply", "--payload", self.file(dict(mine, award_date="2025-05-02")), *self.by_learner(B, "b"))
        self.tx("apply-decide", f"account={learner(B)}", f"item={number + 1}", "version_hash=newest", "reason=evidence",
                "--member", UNIVERSITY)
        self.assertEqual(self.item(B, number + 1)["status"], "refused")

    def find(self, number, kind, what=None):
        """Number of the account's first item of a kind."""
        for item in self.archive(number)["items"]:
            if item["kind"] == kind and (what is None or item["outcome"]["kind"] == what):
                return int(item["item"])
        raise AssertionError(f"no {kind} {what}")

    def recognised(self):
        outcome = self.find(A, "outcome", "vocational_training")
        # The university sees its own outcomes, and another body's when it is let.
        self.assertIn("withheld", self.read(A, UNIVERSITY))
        self.tx("consent-grant", f"account={learner(A)}", f"grantee={UNIVERSITY}", "kinds=outcome", "until_date=2099-12-31",
                "--member", BANK)
        self.tx("recognise", f"account={learner(A)}", f"recogniser={UNIVERSITY}", f"outcome={outcome}",
                "outcome_version=newest", "level=3", "credits=4", "--member", UNIVERSITY)
        self.assertEqual(self.item(A, self.find(A, "recognition"))["status"], "valid")

    def converted(self):
        for number, hands in ((A, ("--member", BANK)), (B, self.by_learner(B, "b"))):
            source = self.find(number, "outcome", "vocational_training")
            payload = {"account": learner(number), "rule": 1,
                       "sources": [{"item": source, "version_hash": "newest", "used": 800}]}
            self.tx("conversion-apply", "--payload", self.file(payload), *hands)
            item = self.find(number, "conversion")
            if number == A:
                self.tx("conversion-decide", f"account={learner(A)}", f"item={item}", "version_hash=newest", "granted=true",
                        "--member", OTHER_UNIVERSITY)
                self.assertEqual(self.item(A, item)["conversion"]["credits"], 400)
                self.proved_conversion(A, item, True)
            else:
                self.tx("conversion-decide", f"account={learner(B)}", f"item={item}", "version_hash=newest",
                        "reason=standard", "--member", OTHER_UNIVERSITY)
                self.assertEqual(self.item(B, item)["status"], "refused")
                self.proved_conversion(B, item, False)

    def proved_conversion(self, number, item, granted):
        """The conversion is decided again, by the command line and offline."""
        proof = os.path.join(self.top, "conversion.proof")
        done = run(XUELIAN, "prove", "conversion", learner(number), str(item), "--archive", "--out", proof,
                   "--as", 1, "--network", self.net.folder, "--json")
        said = json.loads(done.stdout)["conversion"]
        self.assertEqual((said["granted"], said["totals_proved"]), (granted, granted))
        done = run(XUELIAN, "verify", "--genesis", self.net.genesis, "--lang", "zh", proof)
        self.assertIn("某项学分转换符合其规则与来源" if granted else "已申请而未获授予", done.stdout)
        done = run(XUELIAN, "prove", "conversion", learner(number), str(item), "--as", 1, "--network",
                   self.net.folder)
        self.assertEqual("that takes the whole archive" in done.stdout, granted, done.stdout)

    def points(self):
        for number, hands in ((A, ("--member", BANK)), (B, self.by_learner(B, "b"))):
            source = self.find(number, "outcome", "vocational_training")
            self.tx("points-accrue", f"account={learner(number)}", "rule=2", f"item={source}", "version_hash=newest",
                    *hands)
            self.assertEqual(self.archive(number)["summary"]["points"], "10")
        self.tx("points-redeem", f"account={learner(B)}", "entry=1", "quantity=1", *self.by_learner(B, "b"))
        redeemed = len(self.archive(B)["items"])
        self.tx("points-redeem", f"account={learner(A)}", "entry=1", "quantity=1", "--member", BANK,
                refused="OUT_OF_STOCK")
        self.tx("points-fulfil", f"account={learner(B)}", f"item={redeemed}", "version_hash=newest", "--member", BANK)
        self.assertEqual(self.archive(B)["summary"]["points"], "2")

    def consent(self):
        asked = [{"account": learner(number), "purpose": "录用审核", "until_date": "2099-12-31"} for number in (B, C)]
        request = self.tx("query-request", "--payload", self.file(asked), "--member", EMPLOYER)
        self.tx("consent-grant", f"account={learner(B)}", f"grantee={EMPLOYER}", "kinds=outcome", "until_date=2099-12-31",
                f"request={request}", *self.by_learner(B, "b"))
        self.tx("query-refuse", f"account={learner(C)}", f"member={EMPLOYER}", f"request_id={request}", "--member", BANK)
        self.assertIn("withheld", self.read(B, EMPLOYER))
        given = self.find(B, "consent")
        self.tx("consent-withdraw", f"account={learner(B)}", f"item={given}", "version_hash=newest",
                *self.by_learner(B, "b"))
        self.assertEqual(self.item(B, given)["status"], "ended")
        records, withheld = re.search(r"records: (\d+), withheld: (\d+)", self.read(B, EMPLOYER)).groups()
        self.assertEqual(int(records) - int(withheld), 1)  # its own consent, ended

    def dispute(self):
        disputed = self.find(B, "outcome", "degree_course")
        self.tx("dispute-open", f"account={learner(B)}", f"item={disputed}", "version_hash=newest", "reason=content",
                *self.by_learner(B, "b"))
        item = self.find(B, "dispute")
        self.assertEqual(self.item(B, disputed)["dispute"], str(item))
        self.tx("dispute-answer", f"account={learner(B)}", f"item={item}", "version_hash=newest", "result=rejected",
                "--member", UNIVERSITY)
        self.tx("dispute-settle", f"account={learner(B)}", f"item={item}", "version_hash=newest", "result=upheld",
                "--member", BANK)
        self.assertEqual(self.item(B, item)["status"], "ended")
        self.assertNotIn("dispute", self.item(B, disputed))

    def corrected_and_revoked(self):
        wrong = self.find(C, "outcome")
        right = self.outcome(C, UNIVERSITY, "degree_course", "2025-01-20", "2.5")
        self.tx("correct", "--payload", self.file({"account": learner(C), "item": wrong, "version_hash": "newest",
                                                   "outcome": right, "reason": "mistake"}), "--member", UNIVERSITY)
        self.assertEqual(self.item(C, wrong)["status"], "corrected")
        source = self.find(A, "outcome", "vocational_training")
        self.tx("revoke", f"account={learner(A)}", f"item={source}", "version_hash=newest", "reason=misconduct",
                "--member", TRAINING)
        for kind in ("recognition", "conversion"):
            self.assertEqual(self.item(A, self.find(A, kind))["status"], "review")
        self.tx("conversion-review", f"account={learner(A)}", f"item={self.find(A, 'conversion')}", "version_hash=newest",
                "reason=source", "--member", OTHER_UNIVERSITY)
        self.assertEqual(self.item(A, self.find(A, "conversion"))["status"], "revoked")

    def merged(self):
        """A learner who was given two accounts: what the second holds is linked to the first, and nothing is added to it."""
        self.tx("deposit", "--payload", self.file(self.outcome(TWICE, UNIVERSITY, "degree_course", "2025-07-01", "1")),
                "--member", UNIVERSITY)
        self.tx("account-merge", f"account={learner(C)}", f"identity_commitment={COMMITMENT}", f"other={learner(TWICE)}",
                f"other_commitment={COMMITMENT}", "--member", BANK, "--member", IDENTITY)
        link = self.item(C, self.find(C, "link"))
        self.assertEqual(link["status"], "valid")
        self.tx("deposit", "--payload", self.file(self.outcome(TWICE, UNIVERSITY, "degree_course", "2025-07-02", "1")),
                "--member", UNIVERSITY, refused="ACCOUNT_CLOSED")

    def all_proved(self):
        height = self.net.nodes[0].height()
        self.net.wait_height(height)
        self.net.same_blocks(height)
        # A: two courses and one of the community school; B: two courses, training, its own; C: two courses.
        for number, outcomes in ((A, 3), (B, 4), (C, 2)):
            proof = os.path.join(self.top, f"archive-{number}")
            run(XUELIAN, "archive", learner(number), "--as", 1, "--network", self.net.folder, "--proof", proof)
            said = json.loads(run(XUELIAN, "verify", "--genesis", self.net.genesis, proof, "--json").stdout)
            self.assertTrue(said["complete"], said)
            counted = [item for item in self.archive(number)["items"]
                       if item["kind"] == "outcome" and item["status"] in ("valid", "corrected")]
            self.assertEqual(len(counted), outcomes)
            self.assertEqual(said["outcomes"], outcomes)


if __name__ == "__main__":
    harness.main()
