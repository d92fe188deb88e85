import CodexCore
import Foundation

/// Writes a full export in DynamoDB's layout.
///
/// It writes into a hidden folder, and renames that folder at the end. The export is therefore
/// complete, or not there.
struct ExportWriter {
    /// The distribution of items among data files.
    enum Split {
        /// Files of at most this many bytes before compression.
        case byteCount(Int)
        /// This many files with an equal number of items; the last file takes the rest.
        case fileCount(Int, itemCountEach: Int)
    }

    private struct DataFile {
        let name: String
        let file: GzipWriter
        var itemCount = 0
        var byteCount = 0
    }

    private let table: String
    private let split: Split
    private let identifier: String
    private let start: Date
    private let parent: String
    private var current: DataFile?
    private var entries: [ManifestEntry] = []

    /// The export's directory, once it is finished.
    var path: String { parent + "/" + identifier }
    /// The number of items written.
    private(set) var itemCount = 0
    /// The number of data files written.
    var fileCount: Int { entries.count }

    private var workPath: String { parent + "/." + identifier + ".partial" }

    /// Prepares an export into `directory`, which is created if it is missing.
    ///
    /// - Throws: ``CodexError/Code/notWritable``.
    init(in directory: String, table: String, split: Split) throws {
        start = Date()
        identifier = ExportLayout.identifier(start)
        parent = directory + "/" + ExportLayout.folder
        self.table = table
        self.split = split
        do {
            try FileManager.default.createDirectory(
                atPath: workPath + "/" + ExportLayout.dataFolder,
                withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CodexError(
                .notWritable, "Cannot write into \(directory). Name another directory.",
                cause: error)
        }
    }

    /// Writes a line, which includes its line feed.
    mutating func append(_ line: String) throws {
        if let file = current, isFull(file, adding: line.utf8.count) { try closeFile() }
        var file = try current ?? openFile()
        try file.file.write(line)
        file.itemCount += 1
        file.byteCount += line.utf8.count
        current = file
        itemCount += 1
    }

    /// Writes the manifests, and renames the folder to the export's name.
    mutating func finish() throws {
        repeat {
            if current == nil { current = try openFile() }
            try closeFile()
        } while entries.count < fileCountMin
        try write(entries.map { $0.text + "\n" }, as: ExportLayout.files)
        try write([summary(end: Date())], as: ExportLayout.summary)
        let folders = [workPath + "/" + ExportLayout.dataFolder, workPath]
        for folder in folders { try Self.flush(folder) }
        do {
            try FileManager.default.moveItem(atPath: workPath, toPath: path)
        } catch {
            throw CodexError(.notWritable, "Cannot name the export \(path).", cause: error)
        }
        try Self.flush(parent)
    }

    /// Removes the files of a failed export.
    func discard() { try? FileManager.default.removeItem(atPath: workPath) }

    private var fileCountMin: Int {
        if case .fileCount(let count, _) = split { count } else { 1 }
    }

    private func isFull(_ file: DataFile, adding byteCount: Int) -> Bool {
        switch split {
        case .byteCount(let limit): file.byteCount + byteCount > limit
        case .fileCount(let count, let itemCountEach):
            file.itemCount >= itemCountEach && entries.count + 1 < count
        }
    }

    private func openFile() throws(CodexError) -> DataFile {
        let digits = String(entries.count + 1)
        let name = String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".json.gz"
        let path = workPath + "/" + ExportLayout.dataFolder + "/" + name
        return DataFile(name: name, file: try GzipWriter(path, compresses: true))
    }

    private mutating func closeFile() throws {
        guard let file = current else { return }
        current = nil
        try file.file.finish()
        let place = ExportLayout.dataFolder + "/" + file.name
        // The file is read back, so that the digest is of the file system's content.
        let digest = try FileDigest(of: workPath + "/" + place)
        entries.append(
            ManifestEntry(
                itemCount: file.itemCount, md5Checksum: digest.base64, etag: digest.hexadecimal,
                dataFileS3Key: "\(ExportLayout.folder)/\(identifier)/\(place)"))
    }

    private func write(_ parts: [String], as name: String) throws {
        let path = workPath + "/" + name
        let manifest = try GzipWriter(path + ".json", compresses: false)
        for part in parts { try manifest.write(part) }
        try manifest.finish()
        let checksum = try GzipWriter(path + ".md5", compresses: false)
        try checksum.write(try FileDigest(of: path + ".json").base64)
        try checksum.finish()
    }

    /// The summary; names that exist only in a cloud have the region `local`, and zeros as account
    /// and table.
    private func summary(end: Date) -> String {
        let arn = "arn:aws:dynamodb:local:000000000000:table/" + table
        let time = Timestamp.text(start)
        return DynamoDBJSON.plainText([
            "version": .string(ExportLayout.version),
            "exportArn": .string(arn + "/export/" + identifier),
            "startTime": .string(time), "endTime": .string(Timestamp.text(end)),
            "tableArn": .string(arn), "tableId": "00000000-0000-0000-0000-000000000000",
            "exportTime": .string(time), "s3Bucket": "local", "s3Prefix": .null,
            "s3SseAlgorithm": .null, "s3SseKmsKeyId": .null,
            "manifestFilesS3Key": .string(
                "\(ExportLayout.folder)/\(identifier)/\(ExportLayout.files).json"),
            "billedSizeBytes": .number(Number(0)), "itemCount": .number(Number(itemCount)),
            "outputFormat": "DYNAMODB_JSON", "exportType": "FULL_EXPORT",
        ])
    }

    /// Flushes a directory's entries to stable storage.
    private static func flush(_ directory: String) throws(CodexError) {
        let descriptor = open(directory, O_RDONLY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        if descriptor < 0 || (fsync(descriptor) != 0 && errno != EINVAL && errno != ENOTSUP) {
            throw CodexError(
                .inputOutput, "Cannot write \(directory): \(String(cString: strerror(errno))).")
        }
    }
}
