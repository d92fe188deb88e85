internal import Foundation

/// What a power cut leaves of what was not flushed.
package enum PowerCut: Sendable {
    /// Some of it.
    case byChance
    /// All of it.
    case everything
    /// Nothing of it.
    case onlyFlushed
}

/// What a power cut took away.
package struct DiskLosses: Equatable, Sendable {
    /// Changes of files of which nothing is left.
    package var droppedCount = 0
    /// Changes of files of which some sectors may be left.
    package var tornCount = 0
    /// Changes of names that are gone.
    package var nameCount = 0

    package init() {}
}

/// A directory tree as a disk has it, by the journal of the calls that changed it.
///
/// After a power cut the disk has
/// - of a file: all that was changed before its last flush that succeeded, and of each later change all,
///   nothing, or some sectors of 512 bytes. What was changed before a flush that failed counts as later
///   for ever: the system may have dropped it, and a later flush does not write it.
/// - of a directory: all changes of names before its last flush, and the first of the later ones. A rename
///   from one directory to another is in both or in neither.
///
/// What is mapped and written in memory is not in the journal: of `lock.mdb` there is what was written by
/// calls.
package struct SimulatedDisk: Sendable {
    /// A number for each file and directory, since the system uses its own again.
    private typealias Object = Int

    private static let root = 0

    private var objects: [UInt64: Object] = [:]
    private var objectCount = 0
    private var files: [Object: FileHistory] = [:]
    private var directories: [Object: DirectoryHistory] = [:]
    private var modes: [Object: UInt32] = [:]
    private var nameChangeCount = 0
    /// Records of files and directories that are not in the tree; there are none if all is simulated
    /// below its root.
    package private(set) var foreignCount = 0

    // MARK: The start

    /// Reads a tree, all of which is on the disk.
    package init(of path: String) throws { _ = try read(path) }

    private mutating func read(_ path: String) throws -> Object? {
        var info = stat()
        guard unsafe lstat(path, &info) == 0 else {
            throw DiskError("Cannot read \(path): \(errno)")
        }
        let (number, mode) = (UInt64(info.st_ino), UInt32(info.st_mode))
        if let present = objects[number] { return present }
        switch mode & UInt32(S_IFMT) {
        case UInt32(S_IFREG):
            let object = bind(number, mode & 0o7777)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            files[object] = FileHistory(DiskImage(bytes))
            return object
        case UInt32(S_IFDIR):
            let object = bind(number, mode & 0o7777)
            var names: [String: Object] = [:]
            // In order, so that the same tree gives the same objects.
            for name in try FileManager.default.contentsOfDirectory(atPath: path).sorted() {
                names[name] = try read(path + "/" + name)
            }
            directories[object] = DirectoryHistory(names)
            return object
        default: return nil
        }
    }

    private mutating func bind(_ number: UInt64, _ mode: UInt32) -> Object {
        let object = objectCount
        objectCount += 1
        objects[number] = object
        modes[object] = mode
        return object
    }

    // MARK: The journal

    /// Reads a journal from its beginning; one that no process has begun is empty.
    package mutating func read(journal path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        var place = bytes.startIndex
        while let record = try JournalRecord(bytes, at: &place) { apply(record) }
    }

    /// Does what a record tells.
    package mutating func apply(_ record: JournalRecord) {
        guard let object = objects[record.file] else {
            foreignCount += 1
            return
        }
        switch record.kind {
        case .create, .makeDirectory, .remove, .rename, .flushNames: applyToNames(record, object)
        case .write:
            let isFlushed = record.flags.contains(.through)
            change(object) { $0.write(record.data, at: record.offset, isFlushed: isFlushed) }
        case .flush: change(object) { $0.flush(succeeds: record.error == 0) }
        case .resize: change(object) { $0.resize(record.length) }
        case .allocate: change(object) { $0.allocate(record.offset + record.length) }
        }
    }

    private mutating func change(_ object: Object, _ body: (inout FileHistory) -> Void) {
        guard files[object] != nil else {
            foreignCount += 1
            return
        }
        body(&files[object, default: FileHistory(DiskImage())])
    }

    private mutating func applyToNames(_ record: JournalRecord, _ directory: Object) {
        guard let history = directories[directory] else {
            foreignCount += 1
            return
        }
        switch record.kind {
        case .create where record.flags.contains(.link):
            guard let object = objects[record.other] else {
                foreignCount += 1
                return
            }
            append([(record.name, object)], directory)
        case .create:
            let object = bind(record.other, 0o600)
            files[object] = FileHistory(DiskImage())
            if !record.name.isEmpty { append([(record.name, object)], directory) }
        case .makeDirectory:
            let object = bind(record.other, 0o700)
            directories[object] = DirectoryHistory()
            append([(record.name, object)], directory)
        case .remove: append([(record.name, nil)], directory)
        case .rename: rename(record, directory, history.names[record.name])
        default:
            // Names of which a flush failed may be safe with a later one: they are changed in order.
            if record.error == 0 { flushNames(directory, history.changes.count) }
        }
    }

    private mutating func append(
        _ names: [(String, Object?)], _ directory: Object, _ other: Object? = nil
    ) {
        directories[directory]?.append(
            DirectoryHistory.Change(
                number: nameChangeCount, names: names.map { ($0.0, $0.1) }, partner: other))
        if other == nil { nameChangeCount += 1 }
    }

    private mutating func rename(_ record: JournalRecord, _ directory: Object, _ object: Object?) {
        guard let object, let target = objects[record.other], directories[target] != nil else {
            foreignCount += 1
            return
        }
        let isExchange = record.flags.contains(.exchange)
        let replaced = isExchange ? directories[target]?.names[record.otherName] : nil
        let (old, new) = ((record.name, replaced), (record.otherName, Object?.some(object)))
        if target == directory {
            append([old, new], directory)
        } else {
            append([old], directory, target)
            append([new], target, directory)
            nameChangeCount += 1
        }
    }

    private mutating func flushNames(_ directory: Object, _ count: Int) {
        for change in directories[directory]?.flush(count) ?? [] {
            guard let partner = change.partner else { continue }
            flushNames(partner, directories[partner]?.count(through: change.number) ?? 0)
        }
    }

    // MARK: After a power cut

    /// Writes what the disk has after a power cut into a new directory.
    ///
    /// The same journal and the same stream give the same tree, and the same order of its names.
    ///
    /// - Returns: What is missing.
    /// - Throws: ``DiskError`` if the directory is there already, or cannot be written.
    @discardableResult
    package func write(
        to path: String, after cut: PowerCut, _ stream: inout SeededStream
    ) throws -> DiskLosses {
        var losses = DiskLosses()
        let seed = stream.next()
        let counts = keptNameCounts(cut, &stream, &losses)
        var paths: [Object: String] = [:]
        var waiting = [(object: Self.root, path: path)]
        while let (object, path) = waiting.popLast() {
            if let first = paths[object] {
                guard files[object] != nil else { continue }
                try DiskWriter.addName(path, first)
                continue
            }
            paths[object] = path
            let mode = modes[object] ?? 0o700
            if let file = files[object] {
                // Of its own, so that the order of names does not matter.
                var own = SeededStream(seed: seed &+ UInt64(object) &* 0x9E37_79B9_7F4A_7C15, .disk)
                try DiskWriter.write(file.image(cut, &own, &losses), path, mode)
            } else if let directory = directories[object] {
                try DiskWriter.makeDirectory(path, mode)
                // The older ones come first, in the order that the stack gives.
                let names = directory.names(with: counts[object] ?? 0)
                    .sorted { ($0.value, $0.key) > ($1.value, $1.key) }
                for (name, object) in names { waiting.append((object, path + "/" + name)) }
            }
        }
        return losses
    }

    /// How many of the changes of names each directory has.
    private func keptNameCounts(
        _ cut: PowerCut, _ stream: inout SeededStream, _ losses: inout DiskLosses
    ) -> [Object: Int] {
        var counts: [Object: Int] = [:]
        for object in directories.keys.sorted() {
            let count = directories[object]?.changes.count ?? 0
            switch cut {
            case .everything: counts[object] = count
            case .onlyFlushed: counts[object] = 0
            case .byChance: counts[object] = stream.below(count + 1)
            }
        }
        while let (object, count) = halfRename(counts) { counts[object] = count }
        for (object, count) in counts {
            losses.nameCount += (directories[object]?.changes.count ?? 0) - count
        }
        return counts
    }

    /// A directory that lacks its half of a rename, and how many changes it is to have.
    private func halfRename(_ counts: [Object: Int]) -> (Object, Int)? {
        for (object, count) in counts {
            for change in directories[object]?.changes.prefix(count) ?? [] {
                guard let partner = change.partner, let other = directories[partner] else {
                    continue
                }
                let needed = other.count(through: change.number)
                if needed > counts[partner] ?? 0 { return (partner, needed) }
            }
        }
        return nil
    }
}

/// Writes a tree.
private enum DiskWriter {
    static func makeDirectory(_ path: String, _ mode: UInt32) throws {
        guard unsafe mkdir(path, 0o700) == 0, unsafe chmod(path, mode_t(mode)) == 0 else {
            throw DiskError("Cannot make \(path): \(errno)")
        }
    }

    static func addName(_ name: String, _ path: String) throws {
        guard unsafe link(path, name) == 0 else {
            throw DiskError("Cannot link \(name): \(errno)")
        }
    }

    static func write(_ image: DiskImage, _ path: String, _ mode: UInt32) throws {
        let file = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(0o600))
        guard file >= 0 else { throw DiskError("Cannot make \(path): \(errno)") }
        defer { close(file) }
        try image.forEachBlock { offset, bytes in
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe pwrite(file, buffer.baseAddress, buffer.count, off_t(offset))
            }
            guard count == bytes.count else { throw DiskError("Cannot write \(path): \(errno)") }
        }
        guard ftruncate(file, off_t(image.byteCount)) == 0, fchmod(file, mode_t(mode)) == 0 else {
            throw DiskError("Cannot write \(path): \(errno)")
        }
    }
}
