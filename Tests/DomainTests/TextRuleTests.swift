import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Titles, names and labels: what they may have, and how they are stored.
@Suite("Text")
struct TextRuleTests {
    private func rule(_ body: () throws -> Void) -> CodexFlow.Rule? {
        do {
            try body()
            return nil
        } catch {
            return (error as? CodexError)?.rule
        }
    }

    private func task(title: String = "T", labels: [String] = []) -> CodexFlow.Task {
        var task = CodexFlow.Task(id: "1", projectID: "p", title: title)
        task.labels = labels
        return task
    }

    private func requireSame(_ found: [String], _ expected: [String]) {
        #expect(found.map { Array($0.utf8) } == expected.map { Array($0.utf8) })
    }

    @Test("No title or name has a control character or a separator of lines")
    func controls() {
        let ranges: [ClosedRange<UInt32>] = [0...0x1F, 0x7F...0x9F, 0x2028...0x2029]
        for code in ranges.joined() {
            guard let scalar = Unicode.Scalar(code) else { continue }
            let text = "a\(scalar)b"
            let user = CodexFlow.User(id: "1", email: "a@b", name: text)
            #expect(rule { try user.validate() } == .userName)
            let project = CodexFlow.Project(id: "1", name: text, ownerID: "1")
            #expect(rule { try project.validate() } == .projectName)
            #expect(rule { try task(title: text).validate() } == .taskTitle)
            let prd = CodexFlow.PRD(id: "1", projectID: "1", version: 1, title: text)
            #expect(rule { try prd.validate() } == .prdTitle)
            #expect(rule { try task(labels: [text]).validate() } == .taskLabels)
            #expect(rule { try task(title: CodexFlow.Text.line(text)).validate() } == nil)
        }
    }

    @Test(
        "What shows nothing is no title, label, criterion or comment",
        arguments: [
            "\u{200B}", "\u{FEFF}", "\u{2060}\u{00AD}", "\u{3164}", "\u{115F}\u{1160}", "\u{2800}",
            "\u{202E}\u{2066}", "\u{E0041}", "\u{FE0F}", "\u{180E}", " \u{3000}\u{A0}", "\u{E0FFF}",
        ])
    func blank(text: String) {
        #expect(rule { try task(title: text).validate() } == .taskTitle)
        #expect(rule { try task(labels: [text]).validate() } == .taskLabels)
        var criteria = task()
        criteria.acceptanceCriteria = [.init(id: "1", text: text)]
        #expect(rule { try criteria.validate() } == .taskCriteria)
        let comment = CodexFlow.Comment(
            id: "1", projectID: "p", taskID: "1", authorID: "1", text: text,
            createdAt: Date(timeIntervalSince1970: 0))
        #expect(rule { try comment.validate() } == .commentText)
    }

    @Test(
        "Text of all languages is a title, with joiners and marks of direction",
        arguments: [
            "עברית\u{200F} (1)", "👩‍👩‍👧", "نامه\u{200C}ای", "\u{301}", "❤\u{FE0F}", "한국어",
            "\u{600}1", "a\u{200B}", "\u{1FAE8}",
        ])
    func visible(text: String) {
        #expect(rule { try task(title: text, labels: [text]).validate() } == nil)
    }

    @Test(
        "A text becomes one line",
        arguments: [
            ("a\r\nb", "a b"), ("\ta\u{0}\u{1}\u{2028}b\n", "a b"), (" a  b ", "a  b"),
            ("\n", ""), ("", ""), ("\u{85}é\u{301}", "é\u{301}"), ("a", "a"),
        ])
    func lines(text: String, line: String) {
        requireSame([CodexFlow.Text.line(text)], [line])
    }

    @Test("C# is a label, and labels are found in each of their spellings")
    func labels() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let labels = ["C#", "#", "u\u{308}ber", "\u{1112}\u{1161}\u{11AB}", "naïve"]
        try await store.put(task(labels: labels))
        let stored = try #require(try store.get(.task("1", in: "p")))
        requireSame(stored.labels, ["C#", "#", "\u{FC}ber", "한", "nai\u{308}ve"].map(composed))
        for label in labels + ["\u{FC}ber", "한", "nai\u{308}ve"] {
            #expect(try store.all(.tasks(in: "p", label: label)).map(\.id) == ["1"], "\(label)")
        }
        #expect(try store.all(.tasks(in: "p", label: "C")).isEmpty)
        #expect(try store.verify().isSound)
    }

    private func composed(_ text: String) -> String { Normalization.composed(text) }

    @Test("Two spellings of a label are one label")
    func duplicates() {
        #expect(rule { try task(labels: ["\u{FC}", "u\u{308}"]).validate() } == .taskLabels)
        #expect(rule { try task(labels: ["ü", "Ü"]).validate() } == nil)
    }

    @Test("A label has at most 255 characters, and 1,020 bytes in its stored form")
    func labelLimits() {
        for (count, isSound) in [(254, true), (255, true), (256, false)] {
            let expected: CodexFlow.Rule? = isSound ? nil : .taskLabels
            for letter in ["x", "ü", "😀", "u\u{308}"] {
                let label = String(repeating: letter, count: count)
                #expect(rule { try task(labels: [label]).validate() } == expected, "\(letter)")
            }
        }
        let marks = "a" + String(repeating: "\u{20DD}", count: 340)
        #expect(rule { try task(labels: [marks]).validate() } == .taskLabels)
    }

    @Test("Labels of earlier versions get their stored form with the entity's upgrade")
    func upgrade() throws {
        var item = try task().item()
        item["labels"] = ["u\u{308}", "C#"]
        let upgraded = try CodexFlow.Task.upgraded(item, from: 2)
        #expect(upgraded["labels"] == ["\u{FC}", "C#"])
    }
}
