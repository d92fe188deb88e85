import Foundation
import TestSupport
import Testing

@testable import CodexCore

/// Text by the pinned tables of Unicode, against Python's unicodedata of the same version.
@Suite("Unicode tables")
struct UnicodeTableTests {
    /// The fields of a kind of case that Scripts/unicode-tables wrote.
    private func cases(_ kind: String) throws -> [[String]] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let text = try String(
            contentsOf: folder.appendingPathComponent("Fixtures/unicode.txt"), encoding: .utf8)
        let cases = text.split(separator: "\n").map { line in
            line.split(separator: ";", omittingEmptySubsequences: false).map { String($0) }
        }
        return cases.filter { $0[0] == kind }.map { Array($0.dropFirst()) }
    }

    private func codes(_ hexadecimal: String) -> [UInt32] {
        hexadecimal.split(separator: " ").compactMap { UInt32($0, radix: 16) }
    }

    private func hexadecimal(_ codes: [UInt32]) -> String {
        codes.map { String($0, radix: 16, uppercase: true) }.joined(separator: " ")
    }

    private func text(_ codes: [UInt32]) -> String { Normalization.string(codes) }

    /// What the digests of blocks have of a code point.
    private func described(_ code: UInt32) -> String {
        let (composed, folded) = (Normalization.composed([code]), Normalization.folded([code]))
        var flags = CodePoints.contains(code, in: BlankTable.ranges) ? 1 : 0
        if CodePoints.contains(code, in: AddressTable.refused) { flags |= 2 }
        if folded == [code], CodePoints.contains(code, in: DomainTable.allowed) {
            flags |= CodePoints.contains(code, in: DomainTable.marks) ? 12 : 4
        }
        return "\(hexadecimal(composed));\(hexadecimal(folded));\(flags)\n"
    }

    @Test("Each code point has its forms and properties")
    func blocks() throws {
        let blocks = try cases("block")
        #expect(blocks.count == 34)
        for fields in blocks {
            let start = try #require(UInt32(fields[0], radix: 16))
            var digest = FNV1a()
            for code in start..<start + 0x1000 where Unicode.Scalar(code) != nil {
                for byte in described(code).utf8 { digest.add(byte) }
            }
            let found = String(digest.hash, radix: 16, uppercase: true)
            #expect(found == fields[1], "a code point from \(fields[0]) on")
        }
    }

    @Test("Texts are composed, and in lower case, as Python has them")
    func texts() throws {
        let texts = try cases("text")
        #expect(texts.count == 2000)
        for fields in texts {
            let given = codes(fields[0])
            #expect(Normalization.composed(given) == codes(fields[1]), "\(fields[0])")
            #expect(Normalization.folded(given) == codes(fields[2]), "\(fields[0])")
            let composed = Normalization.composed(text(given))
            #expect(ByteOrder.equal(composed, text(codes(fields[1]))), "\(fields[0])")
        }
    }

    @Test("Labels have the Punycode that Python gives them")
    func labels() throws {
        let labels = try cases("label")
        #expect(labels.count == 300)
        for fields in labels {
            let (label, ascii) = (codes(fields[0]), codes(fields[1]))
            #expect(Punycode.encode(label)?.map { UInt32($0) } == ascii, "\(fields[0])")
        }
    }

    @Test("Addresses have the keys of the written rule, or none")
    func addresses() throws {
        let addresses = try cases("address")
        #expect(addresses.count > 90)
        for fields in addresses {
            let key = CodexFlow.EmailAddress(text(codes(fields[0])))?.key
            let found = key.map { hexadecimal(Normalization.codes($0)) }
            #expect(found ?? "-" == fields[1], "\(fields[0])")
        }
    }

    @Test("A form of a form is itself, and does not depend on the order of equivalents")
    func stability() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix(seed: seed)
        let starts: [UInt32] = [0x41, 0x130, 0xC0, 0x1E00, 0x915, 0x1100, 0x1161, 0xAC00, 0x304B]
        for _ in 0..<2000 {
            let given = (0..<random.below(12)).map { _ in
                random.chance(50) ? 0x300 + UInt32(random.below(0x50)) : random.pick(starts)
            }
            let (composed, folded) = (Normalization.composed(given), Normalization.folded(given))
            #expect(Normalization.composed(composed) == composed, "seed \(seed)")
            #expect(Normalization.folded(folded) == folded, "seed \(seed)")
            #expect(Normalization.folded(composed) == folded, "seed \(seed)")
        }
    }

    @Test("Many marks on one letter take no quadratic time")
    func manyMarks() {
        // Marks of two classes in turn: each must pass all others of its kind.
        let marks: [UInt32] = (0..<50_000).map { $0 % 2 == 0 ? 0x301 : 0x323 }
        let composed = Normalization.composed([0x61] + marks)
        #expect(composed.count == marks.count)
        #expect(composed.prefix(3) == [0x1EA1, 0x323, 0x323] && composed.last == 0x301)
    }
}
