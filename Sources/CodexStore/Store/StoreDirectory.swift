internal import CodexCore

/// A store's directory: the marker file `CODEX`, LMDB's `data.mdb` and `lock.mdb`, the folder `log`,
/// `checkpoint`, and lock files.
struct StoreDirectory {
    let path: String

    private static let marker = "CODEX"
    static let dataFile = "data.mdb"
    private var markerPath: String { path + "/" + Self.marker }
    private var dataPath: String { path + "/" + Self.dataFile }

    init(_ path: String) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
    }

    enum State {
        case absent
        case store
    }

    /// Whether there is a store.
    ///
    /// - Throws: ``CodexError/Code/notAStore`` if there is something else,
    ///   ``CodexError/Code/unsupportedFormat`` if a newer release made it,
    ///   ``CodexError/Code/corrupted`` if its data file is cut short.
    func state(isReadOnly: Bool) throws(CodexError) -> State {
        switch try FileSystem.kind(path) {
        case nil: return .absent
        case .other?: throw notAStore("it is not a directory")
        case .directory?: break
        }
        let names = try FileSystem.entries(path)
        if names.isEmpty { return .absent }
        guard names.contains(Self.marker) else {
            throw notAStore("the directory has other files in it")
        }
        guard try FileSystem.kind(dataPath) == .other else {
            throw CodexError(
                .corrupted, "The store \(path) lacks its data file. Restore from a backup.")
        }
        // Since format 3 the checkpoint says what the data file must have.
        if try format() < 3 { try checkDataFile(isReadOnly: isReadOnly) }
        return .store
    }

    private func notAStore(_ reason: String) -> CodexError {
        CodexError(
            .notAStore, "\(path) is not a Codex store: \(reason). Name another directory.")
    }

    /// Makes the store aside, with `fill` writing its first contents, and moves it into place, so
    /// that there is a whole store or none, whatever happens.
    func create(_ fill: (_ path: String) throws(CodexError) -> Void) throws(CodexError) {
        let parent = FileSystem.parent(of: path)
        let name = path.split(separator: "/").last.map(String.init) ?? "store"
        let suffix = UInt32.random(in: .min ... .max)
        let temporary = "\(parent)/.\(name).creating-\(FileSystem.processID)-\(suffix)"
        try FileSystem.makeDirectory(temporary)
        do throws(CodexError) {
            try fill(temporary)
            try Self.mark(temporary)
            try FileSystem.synchronizeDirectory(temporary)
            if try FileSystem.rename(temporary, to: path) {
                try FileSystem.synchronizeDirectory(parent)
            } else {
                // Another process was faster; its store serves as well.
                Self.remove(temporary)
            }
        } catch {
            Self.remove(temporary)
            throw error
        }
    }

    private static func remove(_ path: String) {
        FileSystem.removeFlatDirectory(path + "/" + LogDirectory.name)
        FileSystem.removeFlatDirectory(path)
    }

    /// Makes a directory one of a store of the current format.
    static func mark(_ path: String) throws(CodexError) {
        try FileSystem.writeDurably(markerText, to: path + "/" + marker)
    }

    private static let markerText = Array("codex store\nformat \(Manifest.currentFormat)\n".utf8)

    /// Lets the marker say what the manifest says already: the current format.
    func raiseMarker() throws(CodexError) {
        let text = try FileSystem.read(markerPath, limit: 4096)
        if text != Self.markerText {
            try FileSystem.replaceDurably(markerPath, with: Self.markerText)
        }
    }

    /// The format that the marker names.
    func format() throws(CodexError) -> Int {
        let text = String(
            decoding: try FileSystem.read(markerPath, limit: 4096), as: UTF8.self)
        let lines = text.split(separator: "\n")
        guard lines.first == "codex store", lines.count >= 2,
            let format = Int(lines[1].dropFirst("format ".count))
        else { throw notAStore("its marker file says something else") }
        guard format <= Manifest.currentFormat else {
            throw CodexError(
                .unsupportedFormat,
                "\(path) has format \(format); this release reads up to "
                    + "\(Manifest.currentFormat). Use a newer release.")
        }
        return format
    }

    /// Checks what LMDB would trust: a meta page that promises more pages than the file has makes
    /// a reader die of SIGBUS.
    private func checkDataFile(isReadOnly: Bool) throws(CodexError) {
        let file = try DataFile(path, .read)
        let pages = try file.metaPages()
        let current =
            pages.first.transaction >= pages.second.transaction ? pages.first : pages.second
        // The bound first: a damaged number must not overflow.
        guard current.lastPage < 1 << 40 else { throw Self.cut(path) }
        let byteCount = try file.file.byteCount()
        if byteCount >= (Int(current.lastPage) + 1) * file.pageByteCount { return }
        // Whole pages may be missing: LMDB never writes pages that the transaction which added
        // them freed again. Only a look at the free list tells, with the write lock held.
        guard byteCount % file.pageByteCount == 0, byteCount >= 2 * file.pageByteCount else {
            throw Self.cut(path)
        }
        guard !isReadOnly else {
            throw CodexError(
                .corrupted,
                "The data file of \(path) is shorter than it says. Open the store once for writing, "
                    + "which tells whether anything is missing.")
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
