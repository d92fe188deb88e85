import CodexCore
import Testing

/// Text in which a combining mark follows a separator: both are one character of Swift's.
@Suite("Separators before marks")
struct MarkedTextTests {
    @Test("A path is read by its bytes")
    func paths() throws {
        let path = try DocumentPath(parsing: "a.\u{301}b[0].\u{301}[1]")
        #expect(path.root == "a")
        #expect(
            path.steps == [.name("\u{301}b"), .index(0), .name("\u{301}"), .index(1)])
        for text in ["a[\u{301}0]", "a[0]\u{301}", "a.", ".a", "a[", "a]"] {
            #expect(throws: CodexError(.invalidPath, "")) { try DocumentPath(parsing: text) }
        }
    }

    @Test("A key template is read by its bytes")
    func templates() throws {
        let template: KeyTemplate = "A#{a}#\u{301}B{\u{301}b}"
        #expect(try template.render(["a": "x", "\u{301}b": "y"]) == "A#x#\u{301}By")
        for source in ["{a}\u{301}", "{a}\u{301}{b}", "{a}{b}", "{", "}", "{}", "{{a}"] {
            #expect(throws: CodexError(.invalidSchema, ""), "\(source)") {
                try KeyTemplate(source)
            }
        }
    }
}
