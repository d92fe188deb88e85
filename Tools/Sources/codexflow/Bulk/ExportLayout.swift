import CodexCore
import Foundation

#if Encryption
    import Crypto
#endif

/// The layout of DynamoDB's exports to S3.
///
/// Source: "DynamoDB table export output format" in its developer guide.
///
///     AWSDynamoDB/<export>/manifest-summary.json   the summary of the export
///     AWSDynamoDB/<export>/manifest-files.json     the data files, one per line
///     AWSDynamoDB/<export>/data/<name>.json.gz     {"Item":{…}}, one per line
///
/// Beside each manifest is its MD5 in base64.
enum ExportLayout {
    static let folder = "AWSDynamoDB"
    static let dataFolder = "data"
    static let summary = "manifest-summary"
    static let files = "manifest-files"

    /// The version of the layout, as DynamoDB writes it.
    static let version = "2020-06-30"

    /// The identifier of an export that began at `date`: milliseconds, and random digits.
    static func identifier(_ date: Date) -> String {
        func padded(_ digits: String, _ width: Int) -> String {
            String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let millis = String(Int64(date.timeIntervalSince1970 * 1000))
        let random = String(UInt32.random(in: .min ... .max), radix: 16)
        return padded(millis, 14) + "-" + padded(random, 8)
    }
}

/// The MD5 of a file's bytes, by which manifests detect damage.
struct FileDigest {
    private let bytes: [UInt8]

    /// Throws if the program was built without what computes digests.
    ///
    /// - Throws: ``CodexError/Code/notFound``.
    static func requireAvailable() throws(CodexError) {
        #if !Encryption
            throw .builtWithoutEncryption(.notFound, "imports and exports in S3's layout")
        #endif
    }

    /// Reads the file.
    ///
    /// - Throws: ``CodexError/Code/notFound``, ``CodexError/Code/inputOutput``.
    init(of path: String) throws {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw CodexError(
                .notFound, "Cannot read \(path): \(String(cString: strerror(errno))).")
        }
        defer { try? handle.close() }
        #if Encryption
            var digest = Insecure.MD5()
            do {
                while let data = try handle.read(upToCount: 1 << 20), !data.isEmpty {
                    digest.update(data: data)
                }
            } catch {
                throw CodexError(.inputOutput, "Cannot read \(path).", cause: error)
            }
            bytes = Array(digest.finalize())
        #else
            try Self.requireAvailable()
            bytes = []
        #endif
    }

    var base64: String { Data(bytes).base64EncodedString() }

    var hexadecimal: String {
        bytes.map { ($0 < 0x10 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Whether `text` is this digest, in base64 or hexadecimal digits.
    func matches(_ text: String) -> Bool { text == base64 || text.lowercased() == hexadecimal }
}

/// The content of `manifest-summary.json`, as far as an import needs it.
struct ExportSummary: Decodable {
    let itemCount: Int?
    let outputFormat: String?
    let exportType: String?

    /// Reads the file.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if it is not a summary,
    ///   ``CodexError/Code/invalidArgument`` for exports of another kind.
    init(at path: String) throws {
        do {
            self = try JSONDecoder().decode(
                Self.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch let error as DecodingError {
            throw CodexError(.corrupted, "\(path) is not an export's summary.", cause: error)
        }
        if let exportType, exportType != "FULL_EXPORT" {
            throw CodexError(
                .invalidArgument,
                "\(path) is of an incremental export, which has changes. Import a full export.")
        }
        if let outputFormat, outputFormat != "DYNAMODB_JSON" {
            throw CodexError(
                .invalidArgument,
                "\(path) is of an export that is not in DynamoDB JSON. Export in that format.")
        }
    }
}

/// A line of `manifest-files.json`: a data file.
struct ManifestEntry: Codable {
    let itemCount: Int
    let md5Checksum: String
    let etag: String?
    let dataFileS3Key: String

    /// The file's name in the data folder; the folders before it belong to the bucket.
    ///
    /// By bytes: a mark after a slash is one character with it, and the name would have folders.
    var fileName: String? {
        guard let last = dataFileS3Key.utf8.split(separator: UInt8(ascii: "/")).last else {
            return nil
        }
        let name = String(Substring(last))
        return name == "." || name == ".." ? nil : name
    }

    /// The entry on one line.
    var text: String {
        var item: Item = [
            "itemCount": .number(Number(itemCount)), "md5Checksum": .string(md5Checksum),
            "dataFileS3Key": .string(dataFileS3Key),
        ]
        item["etag"] = etag.map { .string($0) }
        return DynamoDBJSON.plainText(item)
    }

    /// The entries of a manifest.
    ///
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/notFound``.
    static func entries(at path: String) throws -> [ManifestEntry] {
        var reader = try LineReader(path)
        var entries: [ManifestEntry] = []
        while let line = try reader.next() {
            do {
                entries.append(try JSONDecoder().decode(Self.self, from: Data(line)))
            } catch {
                throw CodexError(
                    .corrupted, "\(path), line \(reader.number): it does not name a data file.",
                    cause: error)
            }
        }
        return entries
    }
}
