internal import CodexCore

/// What killed processes left in a store's directory: files that were to replace others, and those
/// that sorts put aside.
struct Leftovers {
    private let directory: Directory

    init(in directory: Directory) { self.directory = directory }

    /// Removes all of it.
    ///
    /// With the gate held; what a living process makes there has its number in the name.
    func remove() {
        for name in (try? directory.entries()) ?? [] where Self.isLeftover(name) {
            directory.remove(name)
        }
    }

    /// Removes what killed processes left that was to replace one file, or a file whose name goes
    /// on from there.
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
