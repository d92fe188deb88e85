import CodexCore
import Foundation

/// The files that an import reads, in order.
struct ImportSource {
    /// A file, with the data that a manifest has about it.
    struct File {
        let path: String
        /// The file's name in messages; `nil` if it is the only file.
        var name: String?
        var itemCount: Int?
        var digest: String?
    }

    let files: [File]

    /// Finds the files at `path`: the file itself, those of a DynamoDB export, or those of a
    /// directory.
    ///
    /// - Throws: ``CodexError/Code/notFound`` if a file is missing, ``CodexError/Code/corrupted``
    ///   for manifests that contradict each other, ``CodexError/Code/invalidArgument`` for exports
    ///   of another kind and directories with several exports.
    init(_ path: String) throws {
        guard path != "-", Self.isDirectory(path) else {
            files = [File(path: path)]
            return
        }
        if let export = try Self.export(in: path) {
            files = try Self.files(of: export)
        } else {
            files = try Self.dataFiles(in: path)
        }
    }

    /// Compares the files with the digests of their manifest.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` with the name of a file that differs.
    func check() throws {
        for file in files {
            guard let digest = file.digest else { continue }
            Console.progress("checking \(file.name ?? file.path)")
            guard try FileDigest(of: file.path).matches(digest) else {
                throw CodexError(
                    .corrupted,
                    "\(file.path) is damaged: its MD5 is not the manifest's. Copy it again.")
            }
        }
        Console.endProgress()
    }

    /// The directory of the export that `path` contains, or is.
    private static func export(in path: String) throws -> String? {
        if isExport(path) { return path }
        let folder = path + "/" + ExportLayout.folder
        let parent = isDirectory(folder) ? folder : path
        let exports = try names(in: parent).filter { isExport(parent + "/" + $0) }
        guard exports.count <= 1 else {
            throw CodexError(
                .invalidArgument,
                "\(parent) has several exports. Name the directory of one: "
                    + exports.joined(separator: ", ") + ".")
        }
        return exports.first.map { parent + "/" + $0 }
    }

    private static func isExport(_ path: String) -> Bool {
        [ExportLayout.files, ExportLayout.summary].contains {
            FileManager.default.fileExists(atPath: "\(path)/\($0).json")
        }
    }

    /// The files that an export's manifest lists.
    private static func files(of export: String) throws -> [File] {
        let manifest = export + "/" + ExportLayout.files
        guard FileManager.default.fileExists(atPath: manifest + ".json") else {
            throw CodexError(
                .notFound, "\(manifest).json is missing: the export is not whole. Copy it again.")
        }
        let summaryPath = export + "/" + ExportLayout.summary
        var summary: ExportSummary?
        if FileManager.default.fileExists(atPath: summaryPath + ".json") {
            try checkManifest(summaryPath)
            summary = try ExportSummary(at: summaryPath + ".json")
        }
        try checkManifest(manifest)
        let entries = try ManifestEntry.entries(at: manifest + ".json")
        let itemCount = try sum(entries.map(\.itemCount), manifest)
        if let expected = summary?.itemCount, expected != itemCount {
            throw CodexError(
                .corrupted,
                "\(manifest).json lists \(itemCount) items, the summary \(expected). "
                    + "Copy the export again.")
        }
        return try entries.map { entry in
            guard let name = entry.fileName else {
                throw CodexError(.corrupted, "\(manifest).json has an entry without a file.")
            }
            let path = "\(export)/\(ExportLayout.dataFolder)/\(name)"
            guard FileManager.default.fileExists(atPath: path) else {
                throw CodexError(
                    .notFound, "\(path) is missing: the manifest lists it. Copy it again.")
            }
            return File(
                path: path, name: name, itemCount: entry.itemCount, digest: entry.md5Checksum)
        }
    }

    /// The number of items in all files.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` for impossible counts.
    static func sum(_ counts: [Int], _ manifest: String) throws(CodexError) -> Int {
        var total = 0
        for count in counts {
            let (sum, overflows) = total.addingReportingOverflow(count)
            guard count >= 0, !overflows else {
                throw CodexError(
                    .corrupted,
                    "\(manifest).json has a number of items that no file has. "
                        + "Copy the export again.")
            }
            total = sum
        }
        return total
    }

    /// Compares a manifest with the digest beside it, if there is one.
    private static func checkManifest(_ path: String) throws {
        for ending in ["md5", "checksum"] {
            guard let text = try? String(contentsOfFile: "\(path).\(ending)", encoding: .utf8)
            else { continue }
            let digest = text.trimmingCharacters(in: .whitespacesAndNewlines)
            guard try FileDigest(of: path + ".json").matches(digest) else {
                throw CodexError(
                    .corrupted,
                    "\(path).json is damaged: its MD5 is not that of \(path).\(ending). "
                        + "Copy the export again.")
            }
        }
    }

    private static func dataFiles(in path: String) throws -> [File] {
        let files = try names(in: path).filter {
            ($0.hasSuffix(".json") || $0.hasSuffix(".json.gz")) && !isDirectory(path + "/" + $0)
        }
        guard !files.isEmpty else {
            throw CodexError(
                .notFound,
                "\(path) has neither an export's manifests nor .json or .json.gz files. "
                    + "Name another directory, or a file.")
        }
        return files.map { File(path: path + "/" + $0, name: $0) }
    }

    /// The names in a directory without hidden ones, in order.
    private static func names(in path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path)
            .filter { !$0.hasPrefix(".") }.sorted()
    }

    private static func isDirectory(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
            && isDirectory.boolValue
    }
}
