import CodexCore
import Foundation
import Testing

@testable import codexflow

/// Dates and messages of commits that no sound program writes.
@Suite("codexflow import --git, hostile commits")
struct GitTextTests {
    let scene: GitScene

    init() throws { scene = try GitScene() }

    /// Dates as they are in a commit, and the stored instant; `nil` if the date is unreadable.
    private static let dateCases: [(date: String, stored: String?)] = [
        ("1700000000 +0100", "2023-11-14T22:13:20.000Z"), ("0 +0000", "1970-01-01T00:00:00.000Z"),
        ("  1700000000 -0330", "2023-11-14T22:13:20.000Z"),
        ("1700000000 +2359", "2023-11-14T22:13:20.000Z"), ("1700000000 +2400", nil),
        ("1700000000 -2359", "2023-11-14T22:13:20.000Z"), ("1700000000 -2400", nil),
        ("1700000000 +0059", "2023-11-14T22:13:20.000Z"), ("1700000000 +0060", nil),
        ("1700000000 -0060", nil), ("1700000000 +9999", nil), ("1700000000 +051800", nil),
        ("253402300798 +0000", "9999-12-31T23:59:58.000Z"),
        ("253402300799 -0100", "9999-12-31T23:59:59.000Z"), ("253402300800 +0000", nil),
        ("9223372036854775807 +0000", nil), ("18446744073709548016 +0100", nil),
        ("99999999999999999999999999 +0000", nil), ("-86400 +0000", nil),
        ("1700000000", nil), ("1700000000 UTC", nil), ("Feb 30 2024", nil),
        ("2024-02-30T00:00:00Z", nil), ("2024-2-30", nil), ("30-02-2024", nil),
        ("0000-01-01 00:00:00 +0000", nil), ("9999 -0002", nil), ("1e9 +0000", nil),
        ("9999 -0030", "1970-01-01T02:46:39.000Z"), ("10000 -0002", "1970-01-01T02:46:40.000Z"),
        ("1700000000.5 +0000", nil), ("0x10 +0000", nil), ("", nil),
    ]

    @Test("Impossible dates are left out and counted; the others are the instants that git shows")
    func dates() throws {
        let repository = try scene.repository("r")
        for (date, _) in Self.dateCases { try repository.commit(bytes: Data("x".utf8), date: date) }
        // A commit counts once if both dates are unreadable, and if one is.
        try repository.commit(
            bytes: Data("y".utf8), date: "1700000000 +0000", committed: "253402300800 +0000")
        let outcome = try scene.importing(repository.path)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let undatedCount = Self.dateCases.filter { $0.stored == nil }.count + 1
        #expect(outcome.output.contains(" \(undatedCount) dates unreadable"), "\(outcome.output)")
        let tasks = try scene.tasks("r")
        try #require(tasks.count == Self.dateCases.count + 1)
        for (task, (date, stored)) in zip(tasks, Self.dateCases) {
            #expect(task.createdAt == stored && task.completedAt == stored, "\(date)")
        }
        #expect(tasks.last?.createdAt == "2023-11-14T22:13:20.000Z")
        #expect(tasks.last?.completedAt == nil)
    }

    @Test("A date has its seconds as git read them, and its offset")
    func dateFields() {
        #expect(GitHistory.date("1700000000", "1700000000 +0530") != nil)
        for (seconds, raw) in [
            ("", ""), ("1700000000", ""), ("", "1700000000 +0000"), ("1700000000", "x"),
            ("-1", "-1 +0000"), ("1e9", "1 +0000"), ("1700000000", "1700000000 +x"),
            ("1700000000", "1700000000 -9223372036854775808"),
        ] {
            #expect(GitHistory.date(seconds, raw) == nil, "\(seconds) \(raw)")
        }
    }

    @Test("Kinds of Conventional Commits are the same in upper and lower case")
    func kinds() {
        let kinds: [(subject: String, kind: CodexFlow.Task.Kind?)] = [
            ("fix: x", .bug), ("Fix: x", .bug), ("FIX(parser)!: x", .bug), ("Feat: x", .feature),
            ("CHORE(deps): x", .chore), ("Docs: x", .chore), ("Fixed: x", nil), ("fix x", nil),
            ("", nil), (":", nil), ("FI\u{130}X: x", nil),
        ]
        for (subject, kind) in kinds {
            #expect(CodexFlow.Task.Kind(commitSubject: subject) == kind, "\(subject)")
        }
    }

    @Test("Subjects of any bytes and of any size are stored as titles")
    func subjects() throws {
        let repository = try scene.repository("r")
        let marks = String(repeating: "\u{301}", count: 400_000)
        let long = String(repeating: "x", count: 1 << 20)
        let subjects: [(message: Data, title: String)] = [
            (Data("fix \u{1B}[31mred\u{7}\n".utf8), "fix  [31mred"),
            (Data("\u{1B}]0;owned\u{7}\u{9B}2Jc1\n".utf8), "]0;owned 2Jc1"),
            (Data("a\rb\u{2028}c\u{85}d\n".utf8), "a b c d"),
            (Data([0x6E, 0xFF, 0xFE, 0x6F, 0x0A]), "n\u{FFFD}\u{FFFD}o"),
            (Data("user\u{202E}gpj.exe\u{2066}\n".utf8), "user\u{202E}gpj.exe\u{2066}"),
            (Data((long + "\n").utf8), String(repeating: "x", count: 256)),
            (Data(("e" + marks + "\n").utf8), "e" + String(marks.prefix(byteCount: 8191))),
            (Data("\u{200B}\u{3164}\n".utf8), "(no subject)"), (Data(), "(no subject)"),
            (Data("\n\n\n".utf8), "(no subject)"),
        ]
        for (message, _) in subjects { try repository.commit(bytes: message) }
        let outcome = try scene.importing(repository.path)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("; 2 messages cut, 0 dates unreadable, 0 commits skipped"))
        let titles = try scene.titles("r")
        try #require(titles.count == subjects.count)
        for (title, (_, expected)) in zip(titles, subjects) {
            #expect(title.unicodeScalars.elementsEqual(expected.unicodeScalars), "\(expected)")
        }
        #expect(try scene.base.run("verify", scene.store).code == 0)
    }

    @Test("Names of people and folders of any characters are stored and not obeyed")
    func names() throws {
        let repository = try scene.repository("r\u{1B}[2J\u{202E}\u{2028}#")
        try repository.commit(bytes: Data("x".utf8), name: "Eve\u{1B}]0;owned\u{7}\u{1B}[2J")
        let outcome = try scene.importing(repository.path)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("stored in project r-[2J\u{FFFD}--, 0 known"))
        let user = try scene.base.run(
            "get", scene.store, "USER#" + TestRepository.email, "PROFILE", "--plain")
        #expect(user.output.contains(#""name":"Eve ]0;owned [2J""#), "\(user.output)")
        let missing = try scene.importing(scene.path("none\u{1B}[31m"))
        #expect(missing.code == 1 && missing.errors.contains("none\u{FFFD}[31m"))
        #expect(!missing.errors.contains("\u{1B}"))
    }
}
