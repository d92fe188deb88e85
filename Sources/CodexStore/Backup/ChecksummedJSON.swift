internal import CodexCore
internal import FoundationEssentials

/// A small file that describes a directory: a line of JSON with a `format`, and the line's CRC-32
/// below it.
enum ChecksummedJSON {
    /// The format that this release writes and reads.
    static let format = 1
    private static let byteCountMax = 1 << 16

    private struct Version: Decodable {
        let format: Int
    }

    static func bytes(_ value: some Encodable) throws(CodexError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(value) else { throw Wire.corrupted("a label") }
        return Array(json) + Array("\n\(checksum(Array(json)))\n".utf8)
    }

    /// Reads the file `name` of a directory.
    ///
    /// - Throws: ``CodexError/Code/unsupportedFormat`` for another format than ``format``;
    ///   `damaged`.
    static func read<Value: Decodable>(
        _ name: String, in directory: Directory, as type: Value.Type, damaged: CodexError
    ) throws(CodexError) -> Value {
        let lines = try directory.read(name, limit: byteCountMax).split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard let line = lines.first.map({ Array($0) }),
            let version = try? JSONDecoder().decode(Version.self, from: Data(line))
        else { throw damaged }
        guard version.format == format else {
            throw CodexError(
                .unsupportedFormat,
                "\(directory.path)/\(name) has format \(version.format); this release reads \(format). Use a newer release."
            )
        }
        guard lines.count == 3, lines[2].isEmpty, Array(lines[1]) == Array(checksum(line).utf8),
            let value = try? JSONDecoder().decode(type, from: Data(line))
        else { throw damaged }
        return value
    }

    private static func checksum(_ line: [UInt8]) -> String {
        String(Compression.checksum(line, in: 0..<line.count, after: 0), radix: 16)
    }
}
