import CodexCore
import TestSupport
import Testing

/// Whether two key templates can build the same key.
@Suite("Overlaps of key templates")
struct KeyTemplateOverlapTests {
    /// All texts of 1 to `count` characters of an alphabet.
    private static func texts(_ alphabet: [Character], upTo count: Int) -> [String] {
        var (last, all): ([String], [String]) = ([""], [])
        for _ in 0..<count {
            last = last.flatMap { text in alphabet.map { text + String($0) } }
            all += last
        }
        return all
    }

    /// A template of up to two attributes, and of few characters.
    private static func template(_ random: inout SplitMix) throws -> KeyTemplate {
        while true {
            var source = random.pick(["", "A", "x", "A#", "#", "#x", "Ax"])
            for name in ["p", "q"] where random.chance(60) {
                source += "{\(name)}" + random.pick(["", "#", "#A", "#x"])
            }
            // Two attributes need a # between them.
            if let template = try? KeyTemplate(source) { return template }
        }
    }

    @Test("The answer is that of all short keys")
    func shortKeys() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("overlaps: seed \(seed)")
        var random = SplitMix(seed: seed)
        // A key that two such templates build has at most 8 characters.
        let texts = Self.texts(["A", "#", "x"], upTo: 8)
        var (templates, matches): ([KeyTemplate], [Set<Int>]) = ([], [])
        for _ in 0..<60 {
            let template = try Self.template(&random)
            templates.append(template)
            matches.append(Set(texts.indices.filter { template.matches(texts[$0]) }))
        }
        var overlapCount = 0
        for (place, left) in templates.enumerated() {
            for (other, right) in templates.enumerated() {
                let isShared = !matches[place].isDisjoint(with: matches[other])
                if isShared { overlapCount += 1 }
                #expect(
                    left.overlaps(right) == isShared,
                    "seed \(seed): \(left.source) and \(right.source)")
            }
        }
        #expect(overlapCount > 60)
    }

    @Test(
        "Templates of real programs",
        arguments: [
            ("C#{id}", "C#{name}", true), ("C#{id}", "D#{id}", false), ("C#{id}", "C#HEAD", true),
            ("C#{id}", "C#", false), ("C#{id}", "C#{id}#{x}", false), ("PROFILE", "PROFILE", true),
            ("PROFILE", "{name}", true), ("PROFILE#1", "{name}", false),
            ("PRD#{a}#V#{n}", "PRD#{a}#APPROVAL#{n}#{u}", false), ("{a}", "{b}", true),
            ("V{n}", "V1{n}", true), ("V{n}", "V", false), ("V{n}", "W{n}", false),
            ("é{n}", "e\u{301}{n}", false),
        ])
    func known(left: String, right: String, overlaps: Bool) throws {
        let (first, second) = (try KeyTemplate(left), try KeyTemplate(right))
        #expect(first.overlaps(second) == overlaps)
        #expect(second.overlaps(first) == overlaps)
        #expect(first.overlaps(first) && second.overlaps(second))
    }

    @Test("Entities collide if both keys of their table do, in one table")
    func entities() throws {
        func schema(_ second: EntityDefinition) -> Schema {
            let first = EntityDefinition("first", table: "t", keys: ["p": "A#{x}", "s": "B#{y}"])
            return Schema(
                tables: ["t", "u"].map {
                    TableDefinition(
                        $0, partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s"))
                }, entities: [first, second])
        }
        let second = EntityDefinition("second", table: "t", keys: ["p": "A#{z}", "s": "{y}#1"])
        do throws(CodexError) {
            _ = try schema(second).requireDistinctKeys(since: nil)
            Issue.record("accepted")
        } catch {
            #expect(error.code == .invalidSchema)
            for word in ["first", "second", "table t", "A#{x} / B#{y}", "A#{z} / {y}#1"] {
                #expect(error.message.contains(word), "\(error.message)")
            }
        }
        let warnings = try schema(second).requireDistinctKeys(since: schema(second))
        #expect(warnings.count == 1)
        let onlyFirst = Schema(tables: [], entities: [schema(second).entities[0]])
        #expect(throws: CodexError(.invalidSchema, "")) {
            try schema(second).requireDistinctKeys(since: onlyFirst)
        }
        for sound in [
            EntityDefinition("second", table: "u", keys: second.keys),
            EntityDefinition("second", table: "t", keys: ["p": "A#{z}", "s": "C#{y}"]),
            EntityDefinition("second", table: "t", keys: ["p": "B#{z}", "s": "B#{y}"]),
        ] {
            #expect(try schema(sound).requireDistinctKeys(since: nil).isEmpty)
        }
    }
}
