internal import CodexCore

/// A store's directory: the marker file `CODEX`, LMDB's `data.mdb` and `lock.mdb`, the folder
/// `log`, `checkpoint`, and lock files.
struct StoreDirectory {
    let path: String

    private static let marker = "CODEX"
    static let dataFile = "data.mdb"
    static let lockFile = "lock.mdb"

    /// The names of a store's own files, without those in its folders.
    private static let fileNames: Set<String> = [
        marker, dataFile, lockFile, Checkpoint.name, Checkpoint.nextName, Checkpoint.lockName,
        CompactionIntent.name, CompactionIntent.nextName, StoreLease.gateName,
        StoreLease.leaseName, Builder.lockName,
    ]

    /// Whether a file with the name belongs to the store, including one that a killed process left.
    static func isOwnName(_ name: String) -> Bool {
        if fileNames.contains(name) || name.hasPrefix("spill-") { return true }
        return name.hasSuffix(".new") && fileNames.contains { name.hasPrefix($0 + ".") }
    }

    init(_ path: String) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
    }

    enum State {
        case absent
        case store
    }

    /// Whether there is a store in the directory.
    ///
    /// - Throws: ``CodexError/Code/notAStore`` if there is something other than a store,
    ///   ``CodexError/Code/unsupportedFormat`` if a newer release made it,
    ///   ``CodexError/Code/corrupted`` if its data file is cut short.
    func state(isReadOnly: Bool) throws(CodexError) -> State {
        switch try FileSystem.kind(path) {
        case nil: return .absent
        case .other?: throw notAStore("it is not a directory")
        case .directory?: break
        }
        let directory = try Directory(path)
        let names = try directory.entries()
        if names.isEmpty { return .absent }
        guard names.contains(Self.marker) else {
            throw notAStore("the directory has other files in it")
        }
        guard try directory.kind(Self.dataFile) == .other else {
            throw CodexError(
                .corrupted, "The store \(path) lacks its data file. Restore from a backup.")
        }
        // In formats with a log, the checkpoint determines the content that the data file must
        // have.
        if try Self.format(directory) < StoreFormat.logged {
            try Self.checkDataFile(directory, isReadOnly: isReadOnly)
        }
        return .store
    }

    private func notAStore(_ reason: String) -> CodexError { Self.notAStore(path, reason) }

    private static func notAStore(_ path: String, _ reason: String) -> CodexError {
        CodexError(
            .notAStore, "\(path) is not a Codex store: \(reason). Name another directory.")
    }

    /// Makes the store under a temporary name, and moves it into place.
    ///
    /// So there is a complete store or none, also after an error or a kill.
    ///
    /// - Parameters:
    ///   - access: The users who may use it; `nil` is the access of an existing empty directory, or
    ///     else its owner only.
    ///   - fill: Writes the first contents.
    /// - Throws: The errors of `fill` and of the file system.
    func create(
        _ access: FileAccess?, _ fill: (Directory) throws(CodexError) -> Void
    ) throws(CodexError) {
        // If a symbolic link leads to an empty directory, that directory is filled.
        let path = FileSystem.resolved(path) ?? path
        let parent = try Directory(FileSystem.parent(of: path))
        let name = FileSystem.lastComponent(of: path)
        let prefix = ".\(name).creating-"
        StagedDirectory.removeLeftovers(prefix, in: parent)
        let modes = Self.modes(access, at: path)
        try StagedDirectory.make(in: parent, prefix, modes) { staging throws(CodexError) in
            try fill(staging)
            try Self.mark(staging)
            try staging.flush()
            if try !StagedDirectory.give(staging, name, in: parent) {
                // Another process was faster; its store is used.
                StagedDirectory.remove(staging, staging.name, in: parent)
            }
        }
    }

    private static func modes(_ access: FileAccess?, at path: String) -> CreationModes {
        guard let present = try? Directory(path) else {
            return CreationModes(access ?? .owner, group: nil)
        }
        return present.modes(for: access ?? present.access)
    }

    /// Marks a directory as a store of the current format.
    static func mark(_ directory: Directory) throws(CodexError) {
        try directory.writeDurably(markerText, to: marker)
    }

    private static let markerText = Array("codex store\nformat \(StoreFormat.current)\n".utf8)

    /// Raises the marker to the current format, which the manifest already has.
    ///
    /// On a full disk, the text overwrites the old text of the same length, which needs no room.
    /// They differ in one digit, so that a power cut cannot leave a mix of both.
    static func raiseMarker(_ directory: Directory) throws(CodexError) {
        let text = try directory.read(marker, limit: 4096)
        guard text != markerText else { return }
        do throws(CodexError) {
            try directory.replaceDurably(marker, with: markerText)
        } catch  where error.code == .diskFull && text.count == markerText.count {
            try overwriteMarker(directory)
        }
    }

    /// Writes the text of the current format over the marker's, durably.
    static func overwriteMarker(_ directory: Directory) throws(CodexError) {
        let file = try File(marker, in: directory, .write)
        defer { file.close() }
        try file.write(markerText, at: 0)
        try file.flush()
    }

    /// The format that the marker names.
    static func format(_ directory: Directory) throws(CodexError) -> Int {
        let path = directory.path
        let text = String(decoding: try directory.read(marker, limit: 4096), as: UTF8.self)
        let lines = text.split(separator: "\n")
        guard lines.first == "codex store", lines.count >= 2,
            let format = Int(lines[1].dropFirst("format ".count))
        else { throw notAStore(path, "its marker file says something else") }
        guard format <= StoreFormat.current else {
            throw CodexError(
                .unsupportedFormat,
                "\(path) has format \(format); this release reads up to "
                    + "\(StoreFormat.current). Use a newer release.")
        }
        return format
    }

    /// Checks the data file's length, which LMDB would trust.
    ///
    /// If a meta page names more pages than the file has, a reader dies of SIGBUS.
    private static func checkDataFile(
        _ directory: Directory, isReadOnly: Bool
    ) throws(CodexError) {
        let path = directory.path
        let file = try DataFile(directory, .read)
        let pages = try file.metaPages()
        let current =
            pages.first.transaction >= pages.second.transaction ? pages.first : pages.second
        // The bound is checked first: a damaged number must not overflow.
        guard current.lastPage < 1 << 40 else { throw cut(path) }
        let byteCount = try file.file.byteCount()
        if byteCount >= (Int(current.lastPage) + 1) * file.pageByteCount { return }
        // Whole pages may be missing: LMDB never writes pages that the transaction which added them
        // freed again. Only the free list shows that, which must be read with the write lock held.
        guard byteCount % file.pageByteCount == 0, byteCount >= 2 * file.pageByteCount else {
            throw cut(path)
        }
        guard !isReadOnly else {
            throw CodexError(
                .corrupted,
                "The data file of \(path) is shorter than its header states. Open the store once "
                    + "for writing, which shows whether anything is missing.")
        }
    }

    /// The error for a data file that lacks pages.
    static func cut(_ path: String) -> CodexError {
        CodexError(
            .corrupted,
            "The data file of \(path) is shorter than its contents: it was cut off. "
                + "Restore from a backup.")
    }
}
