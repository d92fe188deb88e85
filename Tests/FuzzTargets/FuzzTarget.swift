/// A decoder, parser or service, and the properties that hold for any bytes.
package struct FuzzTarget: Sendable {
    /// The name, which is also the name of the corpus's folder.
    package let name: String
    /// Checks one input.
    ///
    /// A violated property ends the process with a message: libFuzzer then keeps the input.
    package let check: @Sendable ([UInt8]) -> Void
    /// The inputs that the corpus starts with, made of real values.
    package let seeds: @Sendable () throws -> [[UInt8]]
    /// Words that inputs are made of: libFuzzer's dictionary.
    package let words: [String]

    init(
        _ name: String, words: [String] = [], seeds: @escaping @Sendable () throws -> [[UInt8]],
        check: @escaping @Sendable ([UInt8]) -> Void
    ) {
        self.name = name
        self.words = words
        self.seeds = seeds
        self.check = check
    }

    /// All targets of this build.
    ///
    /// The targets of the store's files need a build with `-enable-testing`.
    package static let all: [FuzzTarget] = {
        var targets = [
            items, keys, numbers, expressions, pageTokens, json, eventPatterns, forests, requests,
            partiql,
        ]
        #if DEBUG || FUZZING
            targets += [logRecords, segments, checkpoints, metaPages, manifests, leaderRecords]
        #endif
        #if Encryption
            targets.append(keyFiles)
        #endif
        return targets
    }()

    /// The target of a name.
    package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }

    /// The dictionary in libFuzzer's form.
    package var dictionary: String {
        var text = ""
        for word in words {
            text += "\""
            for byte in word.utf8 {
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                    text += "\\" + String(Unicode.Scalar(byte))
                case 0x20..<0x7F: text += String(Unicode.Scalar(byte))
                default:
                    text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }
            }
            text += "\"\n"
        }
        return text
    }
}

/// Ends the process unless a property holds.
func require(_ holds: Bool, _ property: @autoclosure () -> String) {
    guard !holds else { return }
    fatalError("Violated: \(property())")
}

/// The result of `body`, which must not fail.
func mustSucceed<R>(_ property: @autoclosure () -> String, _ body: () throws -> R) -> R {
    do {
        return try body()
    } catch {
        fatalError("Violated: \(property()): \(error)")
    }
}
