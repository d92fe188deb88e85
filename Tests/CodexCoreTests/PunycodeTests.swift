import CodexCore
import TestSupport
import Testing

/// Labels of internationalised domain names in ASCII.
@Suite("Punycode")
struct PunycodeTests {
    private func codes(_ text: String) -> [UInt32] { text.unicodeScalars.map { $0.value } }

    @Test(
        "The examples of RFC 3492 come out as it has them, and go back",
        arguments: [
            ("ليهمابتكلموشعربي؟", "egbpdaj6bu4bxfgehfvwxn"),
            ("他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"),
            ("Pročprostěnemluvíčesky", "Proprostnemluvesky-uyb24dma41a"),
            ("почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l"),
            ("3年B組金八先生", "3B-ww4c5e180e575a65lsy2b"),
            ("Maji\u{3067}Koi\u{3059}\u{308B}5\u{79D2}\u{524D}", "MajiKoi5-783gue6qz075azm5e"),
            ("そのスピードで", "d9juau41awczczp"), ("-> $1.00 <-", "-> $1.00 <--"),
            ("bücher", "bcher-kva"), ("例え", "r8jz45g"), ("\u{10FFFF}", "dn32g"), ("a", "a-"),
        ])
    func examples(text: String, ascii: String) {
        let bytes = Punycode.encode(codes(text))
        #expect(bytes.map { String(decoding: $0, as: UTF8.self) } == ascii)
        #expect(Punycode.decode(Array(ascii.utf8)) == codes(text))
    }

    @Test("A label has at most 63 code points, and its Punycode at most 63 bytes")
    func limits() {
        for (count, isLabel) in [(62, true), (63, true), (64, false)] {
            #expect((Punycode.encode(Array(repeating: 0xFC, count: count)) != nil) == isLabel)
            let ascii = Array(repeating: UInt8(ascii: "a"), count: count - 1) + [UInt8(ascii: "-")]
            #expect((Punycode.decode(ascii) != nil) == isLabel)
        }
    }

    @Test(
        "What is no Punycode is refused",
        arguments: [
            "z", "9", "99999999999999", "a-é", "a-!", "-a!", "a-999999999", "99zzzzzzzzzzz0",
        ])
    func foreign(text: String) {
        #expect(Punycode.decode(Array(text.utf8)) == nil)
    }

    @Test("No bytes trap, and what is decoded is encoded again", arguments: UInt64(1)...20)
    func random(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789-AZ\u{7F}".utf8)
        for _ in 0..<500 {
            let bytes = (0..<random.below(70)).map { _ in
                random.chance(98) ? random.pick(letters) : UInt8(random.below(256))
            }
            guard let codes = Punycode.decode(bytes) else { continue }
            #expect(codes.allSatisfy { Unicode.Scalar($0) != nil }, "seed \(seed)")
            let again = Punycode.encode(codes).flatMap { Punycode.decode($0) }
            #expect(again == nil || again == codes, "seed \(seed)")
        }
    }
}
