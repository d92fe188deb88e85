internal import CodexCore

/// Temporary files of killed processes in a store's directory.
///
/// They are files that should have replaced others, and spill files of sorts.
struct Leftovers {
    private let directory: Directory

    init(in directory: Directory) { self.directory = directory }

    /// Removes all leftovers.
    ///
    /// The caller holds the gate. The name of a temporary file has the ID of its process, so files
    /// of live processes stay.
    func remove() {
        for name in (try? directory.entries()) ?? [] where Self.isLeftover(name) {
            directory.remove(name)
        }
    }

    /// Removes leftovers that should have replaced `file`, or a file whose name begins with it and
    /// a dot.
    func remove(of file: String) {
        for name in (try? directory.entries()) ?? []
        where name.hasPrefix(file + ".") && Self.isLeftover(name) {
            directory.remove(name)
        }
    }

    /// Whether a file was made by a process that is gone: `spill-<process>-<chance>`, or
    /// `….<process>-<chance>.new`.
    private static func isLeftover(_ name: String) -> Bool {
        let parts = name.split(whereSeparator: { $0 == "-" || $0 == "." })
        let isSpill = name.hasPrefix("spill-")
        guard isSpill || name.hasSuffix(".new") else { return false }
        let numbers = isSpill ? parts.dropFirst().prefix(2) : parts.dropLast().suffix(2)
        guard numbers.count == 2, numbers.allSatisfy({ UInt64($0) != nil }),
            let maker = numbers.first.flatMap({ Int32($0) })
        else { return false }
        return FileSystem.isGone(maker)
    }
}
