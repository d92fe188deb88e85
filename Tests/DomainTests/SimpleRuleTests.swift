import Codex
import CodexCore
import Foundation
import Testing

/// The rules of one value by itself: what they take, and what they refuse.
@Suite("Simple rules")
struct SimpleRuleTests {
    private func rule(_ body: () throws -> Void) -> CodexFlow.Rule? {
        do {
            try body()
            return nil
        } catch {
            return (error as? CodexError)?.rule
        }
    }

    @Test(
        "E-mail addresses",
        arguments: [
            ("a@b", true), ("Ada.Lovelace+x@example.co.uk", true), (" a@b.c ", true),
            ("ü@exämple.de", true), ("a@b-c.d", true),
            (String(repeating: "l", count: 64) + "@" + String(repeating: "d", count: 63), true),
            (String(repeating: "l", count: 65) + "@d", false),
            ("a@" + String(repeating: "d", count: 64), false),
            ("", false), ("a", false), ("@b", false), ("a@", false), ("a@b@c", false),
            ("a b@c", false), ("a@b..c", false), ("a@.b", false), ("a@b.", false),
            ("a@-b", false), ("a@b-", false), ("a#b@c", false), ("a\u{0}@b", false),
            ("u\u{308}@b", true), ("\u{1112}\u{1161}@b", true), ("한@b", true), ("ü@b", true),
        ])
    func emails(text: String, isSound: Bool) {
        let user = CodexFlow.User(id: "1", email: text, name: "A")
        #expect(rule { try user.validate() } == (isSound ? nil : .userEmail))
    }

    @Test(
        "Names and titles have 1 to 256 characters",
        arguments: [
            ("", false), (" \n", false), ("a", true), (String(repeating: "ä", count: 256), true),
            (String(repeating: "a", count: 257), false),
            (String(repeating: "👩‍👩‍👧", count: 256), true),
            ("a" + String(repeating: "\u{301}", count: 10_000), false),
        ])
    func names(text: String, isSound: Bool) {
        let user = CodexFlow.User(id: "1", email: "a@b", name: text)
        #expect(rule { try user.validate() } == (isSound ? nil : .userName))
        let project = CodexFlow.Project(id: "1", name: text, ownerID: "1")
        #expect(rule { try project.validate() } == (isSound ? nil : .projectName))
        let task = CodexFlow.Task(id: "1", projectID: "1", title: text)
        #expect(rule { try task.validate() } == (isSound ? nil : .taskTitle))
        let prd = CodexFlow.PRD(id: "1", projectID: "1", version: 1, title: text)
        #expect(rule { try prd.validate() } == (isSound ? nil : .prdTitle))
    }

    @Test(
        "Project keys",
        arguments: [
            ("EN", true), ("ENGINE", true), ("E2E", true), ("E", false), ("ENGINES_2E", true),
            ("ENGINES_2EE", false), ("E_", true), ("_E", false), ("2E", false), ("eng", false),
            ("EÄ", false), ("E-N", false), ("", false),
        ])
    func keys(text: String, isSound: Bool) {
        let project = CodexFlow.Project(id: "1", name: "P", ownerID: "1", key: text)
        #expect(rule { try project.validate() } == (isSound ? nil : .projectKey))
    }

    @Test("Projects: days, scale, hours, summary")
    func projects() {
        func check(_ expected: CodexFlow.Rule?, _ body: (inout CodexFlow.Project) -> Void) {
            var project = CodexFlow.Project(id: "1", name: "P", ownerID: "1")
            body(&project)
            #expect(rule { try project.validate() } == expected)
        }
        let day = CalendarDay("2025-11-05")
        check(nil) { ($0.startDate, $0.targetDate) = (day, day) }
        check(.projectDates) { ($0.startDate, $0.targetDate) = (day, day?.adding(days: -1)) }
        for (scale, isSound) in [
            ([], true), ([0, 1, 2, 3, 5, 8, 13, 1000], true), ([1, 1], false), ([2, 1], false),
            ([-1], false), ([1001], false), (Array(1...20), true), (Array(1...21), false),
        ] {
            check(isSound ? nil : .projectScale) { $0.estimateScale = scale }
        }
        for (hours, isSound) in [(0, false), (1, true), (100, true), (101, false)] {
            check(isSound ? nil : .projectHours) { $0.hoursPerPoint = hours }
        }
        check(nil) { $0.summary = String(repeating: "x", count: 65_536) }
        check(.projectSummary) { $0.summary = String(repeating: "x", count: 65_537) }
    }

    @Test("Tasks: description, labels, numbers, criteria")
    func tasks() {
        func check(_ expected: CodexFlow.Rule?, _ body: (inout CodexFlow.Task) -> Void) {
            var task = CodexFlow.Task(id: "1", projectID: "1", title: "T")
            body(&task)
            #expect(rule { try task.validate() } == expected)
        }
        check(nil) { $0.body = String(repeating: "x", count: 200_000) }
        check(.taskBody) { $0.body = String(repeating: "x", count: 200_001) }
        check(nil) { $0.labels = (1...100).map { "l\($0)" } }
        check(.taskLabels) { $0.labels = (1...101).map { "l\($0)" } }
        check(nil) { $0.labels = [String(repeating: "l", count: 255)] }
        check(.taskLabels) { $0.labels = [String(repeating: "l", count: 256)] }
        for label in ["", " ", "a\u{7}"] { check(.taskLabels) { $0.labels = [label] } }
        check(.taskLabels) { $0.labels = ["a", "a"] }
        for (value, isSound) in [(-1, false), (0, true), (1000, true), (1001, false)] {
            check(isSound ? nil : .taskEstimate) { $0.estimate = value }
        }
        for (value, isSound) in [(0, false), (1, true), (10, true), (11, false)] {
            check(isSound ? nil : .taskComplexity) { $0.complexity = value }
        }
        for (value, isSound) in [
            (0, false), (1, true), (CodexFlow.Limits.taskNumberMax, true),
            (CodexFlow.Limits.taskNumberMax + 1, false),
            (.max, false),
        ] {
            check(isSound ? nil : .taskNumber) { $0.number = value }
        }
        check(nil) { $0.acceptanceCriteria = (1...50).map { .init(id: "\($0)", text: "t") } }
        check(.taskCriteria) {
            $0.acceptanceCriteria = (1...51).map { .init(id: "\($0)", text: "t") }
        }
        check(.taskCriteria) {
            $0.acceptanceCriteria = [.init(id: "1", text: "a"), .init(id: "1", text: "b")]
        }
        check(.taskCriteria) { $0.acceptanceCriteria = [.init(id: "1", text: " ")] }
        check(.taskCriteria) { $0.acceptanceCriteria = [.init(id: "", text: "a")] }
        let (fits, exceeds) = (
            String(repeating: "x", count: 256), String(repeating: "x", count: 257)
        )
        check(nil) { ($0.cycleID, $0.rank) = (fits, fits) }
        check(.taskPlace) { $0.cycleID = exceeds }
        check(.taskPlace) { $0.rank = exceeds }
        let max = CodexFlow.Limits.metadataByteCountMax
        check(nil) { $0.metadata = ["k": .string(String(repeating: "x", count: max - 1))] }
        check(.taskMetadata) { $0.metadata = ["k": .string(String(repeating: "x", count: max))] }
    }

    @Test("PRDs: version, stories' identifiers, size")
    func prds() {
        func check(
            _ expected: CodexFlow.Rule?, version: Int = 1, _ stories: [String] = [],
            overview: String = "o"
        ) {
            let prd = CodexFlow.PRD(
                id: "1", projectID: "1", version: version, title: "T",
                content: .init(
                    overview: overview,
                    userStories: stories.map { .init(id: $0, description: "d") }))
            #expect(rule { try prd.validate() } == expected)
        }
        check(.prdVersion, version: 0)
        check(nil, ["US-001", "US-002"])
        check(.prdStories, ["US-001", "US-001"])
        check(.prdStories, [""])
        check(.prdStories, ["a#b"])
        check(nil, overview: String(repeating: "x", count: 200_000))
        check(.prdContent, overview: String(repeating: "x", count: 200_001))
    }

    @Test("Sessions end after they began, within a year")
    func sessions() {
        for (lifetime, isSound) in [
            (0.0, false), (-1, false), (1, true), (366 * 86_400, true), (366 * 86_400 + 1, false),
            (.nan, false),
        ] {
            let now = Date(timeIntervalSince1970: 1_762_300_800)
            let session = CodexFlow.Session(
                id: "1", userID: "1", createdAt: now, expiresAt: now + lifetime)
            #expect(rule { try session.validate() } == (isSound ? nil : .sessionLifetime))
        }
    }

    @Test("Comments, hours, dependencies")
    func others() throws {
        let now = Date(timeIntervalSince1970: 1_762_300_800)
        for (text, isSound) in [
            ("", false), (" ", false), ("a", true), (String(repeating: "a", count: 65_536), true),
            (String(repeating: "a", count: 65_537), false),
        ] {
            let comment = CodexFlow.Comment(
                id: "1", projectID: "1", taskID: "1", authorID: "1", text: text, createdAt: now)
            #expect(rule { try comment.validate() } == (isSound ? nil : .commentText))
        }
        for (text, isSound) in [
            ("0", false), ("-1", false), ("0.0001", true), ("0.00001", false), ("24", true),
            ("24.0001", false), ("7.25", true),
        ] {
            let log = CodexFlow.WorkLog(
                projectID: "1", taskID: "1", userID: "1", day: CalendarDay(now),
                hours: try Number(parsing: text), updatedAt: now)
            #expect(rule { try log.validate() } == (isSound ? nil : .workHours))
        }
        let loop = CodexFlow.Dependency(
            projectID: "1", taskID: "1", blockerID: "1", isOpen: true, createdAt: now)
        #expect(rule { try loop.validate() } == .dependencySelf)
    }

    @Test("The digests of FIPS 180-4's examples, and of a million letters")
    func digests() {
        #expect(
            SHA256.hexadecimal("abc")
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            SHA256.hexadecimal("")
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            SHA256.hexadecimal("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        #expect(
            SHA256.hexadecimal(String(repeating: "a", count: 1_000_000))
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    // MARK: Histories and figures

    private static let now = Date(timeIntervalSince1970: 1_762_300_800)

    private func activity(
        note: String? = nil, facts: CodexFlow.Activity.Facts? = nil
    ) -> CodexFlow.Activity {
        CodexFlow.Activity(
            id: "1", projectID: "1", taskID: "1", actorID: "1", at: Self.now,
            day: CalendarDay(Self.now), kind: .moved, facts: facts, note: note)
    }

    @Test("Notes of histories and reviews have 1 to 65,536 bytes, or are not there")
    func notes() {
        let (fits, exceeds) = (
            String(repeating: "x", count: 65_536), String(repeating: "x", count: 65_537)
        )
        for (note, isSound) in [(nil, true), (fits, true), (exceeds, false), (" ", false)] {
            let entry = activity(note: note)
            #expect(rule { try entry.validate() } == (isSound ? nil : .note))
            let review = CodexFlow.PRDReview(
                prdID: "1", projectID: "1", version: 1, contentHash: "", userID: "1",
                decision: .approve, note: note, at: Self.now)
            #expect(rule { try review.validate() } == (isSound ? nil : .note))
        }
    }

    @Test("Names of clients have at most 256 characters")
    func clients() {
        for (count, isSound) in [(256, true), (257, false)] {
            let session = CodexFlow.Session(
                id: "1", userID: "1", createdAt: Self.now, expiresAt: Self.now + 1,
                client: String(repeating: "c", count: count))
            #expect(rule { try session.validate() } == (isSound ? nil : .sessionClient))
        }
    }

    @Test("A sequence of numbers ends where the numbers of tasks do")
    func sequences() {
        for (last, isSound) in [
            (-1, false), (0, true), (CodexFlow.Limits.taskNumberMax, true),
            (CodexFlow.Limits.taskNumberMax + 1, false),
        ] {
            let sequence = CodexFlow.NumberSequence(projectID: "1", name: "TASK", last: last)
            #expect(rule { try sequence.validate() } == (isSound ? nil : .taskNumber))
        }
    }

    @Test("Facts of a history: points, hours, times")
    func facts() {
        func check(_ isSound: Bool, _ body: (inout CodexFlow.Activity.Facts) -> Void) {
            var facts = CodexFlow.Activity.Facts()
            body(&facts)
            let entry = activity(facts: facts)
            #expect(rule { try entry.validate() } == (isSound ? nil : .activityFacts))
        }
        for (value, isSound) in [(-1, false), (0, true), (1000, true), (1001, false)] {
            check(isSound) { $0.points = value }
            check(isSound) { $0.pointsBefore = value }
        }
        for (value, isSound) in [
            (-100_001, false), (-100_000, true), (100_000, true), (100_001, false),
        ] { check(isSound) { $0.estimatedHours = value } }
        for (value, isSound) in [(-1, false), (0, true), (.max, true)] {
            check(isSound) { $0.cycleSeconds = value }
            check(isSound) { $0.leadSeconds = value }
        }
    }

    @Test(
        "Figures of analytics have a limit",
        arguments: [
            (CodexFlow.Limits.analyticsFigureMax, true),
            (CodexFlow.Limits.analyticsFigureMax + 1, false),
            (-CodexFlow.Limits.analyticsFigureMax - 1, false), (Int.max, false), (Int.min, false),
        ])
    func figures(value: Int, isSound: Bool) {
        func check(_ body: (inout CodexFlow.Analytics) -> Void) {
            var day = CodexFlow.Analytics(
                projectID: "1", date: CalendarDay(Self.now), metrics: .init(tasksCompleted: 0),
                teamStats: [.init(userID: "1", tasksCompleted: 0)],
                flow: CodexFlow.Analytics.Flow())
            body(&day)
            #expect(rule { try day.validate() } == (isSound ? nil : .analyticsFigures))
        }
        check { $0.metrics.tasksCompleted = value }
        check { $0.teamStats[0].tasksCompleted = value }
        check { $0.flow?.points = value }
        check { $0.flow?.statuses[.done] = value }
    }
}
