import Foundation
import Testing

/// Checks of the prose of the documents and of the sources' comments.
@Suite("Prose")
struct ProseTests {
    /// The documents at the root.
    private static let rootDocuments = [
        "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
    ]

    private static let sentenceWordCountMax = 35
    private static let lineCharacterCountMax = 100

    /// Words and phrases of a private English; the second is what to write.
    private static let idioms: [(phrase: [Substring], better: String)] = [
        ("whoever", "the user, the process"), ("whatever", "any, each"),
        ("nobody", "no user, no process"), ("anew", "again"), ("is to be", "must be"),
        ("are to be", "must be"), ("take note", "record"), ("takes note", "records"),
        ("not to be had", "unavailable"), ("lends", "gives"), ("besides", "also, and"),
        ("elsewhere", "remote, in another process"), ("medium", "stable storage"),
    ].map { (phrase: $0.split(separator: " "), better: $1) }

    // MARK: Documents

    /// The paths of a folder's documents, from the root on.
    private static func documents(_ folder: String) throws -> [String] {
        let path = TidyTests.root.appendingPathComponent(folder).path
        let files = try #require(FileManager.default.enumerator(atPath: path))
        // Hidden directories have the builds of nested packages, with their own documents.
        let names = files.compactMap { $0 as? String }.filter { name in
            name.hasSuffix(".md") && !name.split(separator: "/").contains { $0.hasPrefix(".") }
        }
        return names.sorted().map { "\(folder)/\($0)" }
    }

    private static func lines(_ path: String) throws -> [String] {
        try String(contentsOf: TidyTests.root.appendingPathComponent(path), encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The lines of a source that are comments, as those of a document: code is empty lines.
    private static func comments(_ lines: [String]) -> [String] {
        lines.map { line in
            let text = line.drop { $0 == " " }
            return text.hasPrefix("//") ? String(text.drop { $0 == "/" }) : ""
        }
    }

    /// A paragraph, an item of a list, a heading or a row of a table.
    private struct Block {
        var line: Int
        var isProse: Bool
        var text: String

        var words: [Substring] { text.split(whereSeparator: \.isWhitespace) }

        /// The sentences; each ends at a word with a full stop, an exclamation or a question mark.
        var sentences: [[Substring]] {
            var sentences: [[Substring]] = [[]]
            for word in words {
                sentences[sentences.count - 1].append(word)
                let end = word.last { !"*_)\"".contains($0) }
                if let end, ".!?".contains(end) { sentences.append([]) }
            }
            return sentences
        }
    }

    /// The blocks of a document outside of code.
    private static func blocks(_ lines: [String]) -> [Block] {
        var blocks: [Block] = []
        var isCode = false
        var isOpen = false
        for (offset, line) in lines.enumerated() {
            var text = line.trimmingCharacters(in: .whitespaces)
            let isFence = text.hasPrefix("```")
            if isFence { isCode.toggle() }
            if isFence || isCode || text.isEmpty {
                isOpen = false
                continue
            }
            let isProse = !text.hasPrefix("|") && !text.hasPrefix("#")
            let marker = text.prefix { $0 != " " }
            let isItem =
                marker == "-" || marker == "*"
                || marker.last == "." && marker.dropLast().allSatisfy(\.isNumber)
            if isItem { text = String(text.dropFirst(marker.count + 1)) }
            if isProse, isOpen, !isItem {
                blocks[blocks.count - 1].text += " " + text
            } else {
                blocks.append(Block(line: offset + 1, isProse: isProse, text: text))
            }
            isOpen = isProse
        }
        return blocks.map {
            Block(line: $0.line, isProse: $0.isProse, text: plain($0.text, keepsCode: false))
        }
    }

    /// The text without the targets of links, and with a word in the place of code.
    private static func plain(_ text: String, keepsCode: Bool) -> String {
        var plain = ""
        var rest = Substring(text)
        while let character = rest.first {
            let next = rest.dropFirst()
            if character == "`", !keepsCode, let end = next.firstIndex(of: "`") {
                plain += "code"
                rest = rest[end...].dropFirst()
            } else if character == "]", next.first == "(", let end = next.firstIndex(of: ")") {
                plain += "]"
                rest = rest[end...].dropFirst()
            } else if character == "h", rest.hasPrefix("http://") || rest.hasPrefix("https://") {
                rest = rest.drop { !$0.isWhitespace }
            } else {
                plain.append(character)
                rest = next
            }
        }
        return plain
    }

    // MARK: Checks

    /// The sentences that are too long.
    private static func longSentences(_ lines: [String]) -> [(line: Int, text: String)] {
        var found: [(line: Int, text: String)] = []
        for block in blocks(lines) where block.isProse {
            for sentence in block.sentences {
                let words = sentence.filter { $0.contains { $0.isLetter || $0.isNumber } }
                guard words.count > sentenceWordCountMax else { continue }
                found.append((block.line, sentence.joined(separator: " ")))
            }
        }
        return found
    }

    /// The idioms, with what to write.
    private static func foundIdioms(_ lines: [String]) -> [(line: Int, text: String)] {
        var found: [(line: Int, text: String)] = []
        for block in blocks(lines) {
            let words = block.text.lowercased().split { !$0.isLetter && $0 != "'" }
            for (phrase, better) in idioms where words.count >= phrase.count {
                let starts = 0...(words.count - phrase.count)
                if starts.contains(where: { words[$0...].starts(with: phrase) }) {
                    let text = phrase.joined(separator: " ")
                    found.append((block.line, "\"\(text)\": write \(better)"))
                }
            }
        }
        return found
    }

    /// The lines that are too long, outside of tables and code, and without the targets of links.
    private static func longLines(_ lines: [String]) -> [Int] {
        var found: [Int] = []
        var isCode = false
        for (offset, line) in lines.enumerated() {
            let text = line.trimmingCharacters(in: .whitespaces)
            if text.hasPrefix("```") { isCode.toggle() }
            guard !isCode, !text.hasPrefix("|") else { continue }
            if plain(line, keepsCode: true).count > lineCharacterCountMax {
                found.append(offset + 1)
            }
        }
        return found
    }

    /// The lines of a source that are comments and too long, without the targets of links.
    private static func longComments(_ lines: [String]) -> [Int] {
        zip(lines, comments(lines)).enumerated().compactMap { offset, line in
            let isLong = plain(line.0, keepsCode: true).count > lineCharacterCountMax
            return isLong && !line.1.isEmpty ? offset + 1 : nil
        }
    }

    // MARK: Tests

    @Test("Sentences of the README and of the guides have at most 35 words")
    func sentences() throws {
        let guides = try Self.documents("Docs").filter { $0.hasPrefix("Docs/Guides/") }
        for path in ["README.md", "Docs/README.md"] + guides {
            for (line, text) in Self.longSentences(try Self.lines(path)) {
                Issue.record("\(path):\(line): \(text)")
            }
        }
    }

    @Test("Documents have none of the idioms")
    func plainWords() throws {
        let folders = ["Docs", "Examples", "Sources"]
        let documents = try folders.flatMap(Self.documents)
        #expect(documents.count > 40)
        for path in ["README.md"] + documents {
            for (line, text) in Self.foundIdioms(try Self.lines(path)) {
                Issue.record("\(path):\(line): \(text)")
            }
        }
    }

    @Test("Documents are wrapped at 100 columns")
    func wrapped() throws {
        let folders = ["Docs", "Examples", "Sources"]
        let documents = try folders.flatMap(Self.documents)
        for path in Self.rootDocuments + documents {
            for line in Self.longLines(try Self.lines(path)) {
                Issue.record("\(path):\(line) is longer than 100 columns.")
            }
        }
    }

    @Test(
        "Comments of the sources have none of the idioms and are wrapped at 100 columns",
        arguments: ["Sources", "Tools/Sources"])
    func plainComments(folder: String) throws {
        let sources = try TidyTests.sources(folder)
        #expect(sources.count > 40)
        for (path, text) in sources {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
                .map(String.init)
            for (line, idiom) in Self.foundIdioms(Self.comments(lines)) {
                Issue.record("\(folder)/\(path):\(line): \(idiom)")
            }
            for line in Self.longComments(lines) {
                Issue.record("\(folder)/\(path):\(line) is longer than 100 columns.")
            }
        }
    }

    @Test("The checks find what they look for, and nothing in code, tables and targets")
    func checks() {
        let words = Array(repeating: "word", count: 36).joined(separator: " ")
        let half = Array(repeating: "word", count: 18).joined(separator: " ")
        #expect(Self.longSentences(["- \(half)", "  \(half)."]).map { $0.line } == [1])
        #expect(Self.longSentences(["\(half). \(half)!", "| \(words) |", "`\(words)`"]).isEmpty)
        #expect(Self.longSentences(["```", words, "```", "# \(words)"]).isEmpty)
        #expect(Self.foundIdioms(["The key is", "to be changed."]).map { $0.line } == [1])
        #expect(Self.foundIdioms(["# Title", "| a | Nobody |"]).map { $0.line } == [2])
        #expect(Self.foundIdioms(["`medium`, [a](medium.md), mediums"]).isEmpty)
        let long = String(repeating: "a ", count: 51)
        #expect(Self.longLines(["|\(long)|", "```", long, "```", long]) == [5])
        #expect(Self.longLines(["[a](\(long))", "https://\(long.filter { $0 == "a" })"]).isEmpty)
        let source = ["let nobody = 1  // anew", "    /// The key is", "    /// to be changed."]
        #expect(Self.foundIdioms(Self.comments(source)).map { $0.line } == [2])
        #expect(Self.foundIdioms(Self.comments(["/// is", "let a = 1", "/// to be"])).isEmpty)
        #expect(Self.foundIdioms(Self.comments(["// ``medium``, `anew`"])).isEmpty)
        #expect(Self.longComments(["// \(long)", "let \(long)", "/// [a](\(long))"]) == [1])
    }
}
