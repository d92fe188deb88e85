internal import Foundation

/// A file of a simulated disk: what is safe of it, and the changes since, in their order.
///
/// A disk writes whole sectors, and a sector has all that was written to it before it went to the disk.
/// So after a power cut each sector is as it was after one of the changes, and not all sectors are as
/// they were after the same one. Lengths go to the disk in their order.
struct FileHistory: Sendable {
    private struct Change {
        enum State {
            case open
            /// A flush failed: the system may have forgotten it, so that no later flush makes it safe.
            case lost
            case flushed
        }

        var offset = 0
        var data = Data()
        /// The length that the file is cut to.
        var cut: Int?
        /// The file's length afterwards.
        var byteCount: Int
        var changesByteCount = false
        var state = State.open
    }

    static let sectorByteCount = 512

    /// With all changes that are safe, as long as none before them is not.
    private var safe: DiskImage
    private var changes: [Change] = []
    private var byteCount: Int

    /// A file that is as it is on the disk.
    init(_ image: DiskImage) { (safe, byteCount) = (image, image.byteCount) }

    /// Notes a write; one that is `flushed` is safe by itself.
    mutating func write(_ data: Data, at offset: Int, isFlushed: Bool) {
        var change = Change(offset: offset, data: data, byteCount: byteCount)
        change.byteCount = max(byteCount, offset + data.count)
        if isFlushed { change.state = .flushed }
        append(change)
    }

    /// Notes a new length.
    mutating func resize(_ count: Int) {
        append(Change(cut: count < byteCount ? count : nil, byteCount: count))
    }

    /// Notes that the file has room up to an offset.
    mutating func allocate(_ end: Int) { append(Change(byteCount: max(byteCount, end))) }

    private mutating func append(_ change: Change) {
        var change = change
        change.changesByteCount = change.byteCount != byteCount
        byteCount = change.byteCount
        changes.append(change)
        fold()
    }

    /// Notes a flush: of the changes before it, or that they are never safe.
    mutating func flush(succeeds: Bool) {
        for index in changes.indices where changes[index].state == .open {
            changes[index].state = succeeds ? .flushed : .lost
        }
        fold()
    }

    private mutating func fold() {
        let count = changes.firstIndex { $0.state != .flushed } ?? changes.count
        guard count > 0 else { return }
        for change in changes[..<count] {
            if let cut = change.cut { safe.clear(from: cut) }
            safe.write(change.data, at: change.offset)
            safe.setByteCount(change.byteCount)
        }
        changes.removeFirst(count)
    }

    // MARK: After a power cut

    /// What the disk may have of it.
    func image(
        _ cut: PowerCut, _ stream: inout SeededStream, _ losses: inout DiskLosses
    ) -> DiskImage {
        guard !changes.isEmpty else { return safe }
        let kept = self.kept(cut, &stream, &losses)
        let last = lastResize(cut, kept, &stream)
        var image = safe
        for (index, change) in changes.enumerated() {
            if let end = change.cut { clear(from: end, index, last, kept.sectors, &image) }
            write(change, index, kept.sectors, &image)
        }
        // Behind the end there may be what a longer file would have had.
        let count = last.map { changes[$0].byteCount } ?? safe.byteCount
        image.clear(from: count)
        image.setByteCount(count)
        return image
    }

    private struct Kept {
        /// By sector, the last change that the disk has of it.
        var sectors: [Int: Int] = [:]
        /// The last change that is there as a whole.
        var lastWhole: Int?
    }

    private enum Fate { case whole, none, torn }

    private func kept(
        _ cut: PowerCut, _ stream: inout SeededStream, _ losses: inout DiskLosses
    ) -> Kept {
        var kept = Kept()
        // A disk that has everything up to a moment is as usual as one with some of the changes.
        let manner = stream.below(4)
        let end = stream.below(changes.count + 1)
        for (index, change) in changes.enumerated() {
            let fate: Fate
            switch cut {
            case _ where change.state == .flushed, .everything: fate = .whole
            case .onlyFlushed: fate = .none
            case .byChance where manner == 0: fate = .none
            case .byChance where manner == 1: fate = index < end ? .whole : .none
            case .byChance: fate = stream.pick([.whole, .whole, .none, .none, .torn])
            }
            switch fate {
            case .whole: kept.lastWhole = index
            case .none: losses.droppedCount += 1
            case .torn: losses.tornCount += 1
            }
            guard fate != .none, !change.data.isEmpty else { continue }
            for sector in sectors(change) where fate == .whole || stream.chance(50) {
                kept.sectors[sector] = index
            }
        }
        return kept
    }

    private func sectors(_ change: Change) -> ClosedRange<Int> {
        let first = change.offset / Self.sectorByteCount
        return first...(change.offset + change.data.count - 1) / Self.sectorByteCount
    }

    /// The last change of the length that the disk has.
    private func lastResize(
        _ cut: PowerCut, _ kept: Kept, _ stream: inout SeededStream
    ) -> Int? {
        let resizes = changes.indices.filter { changes[$0].changesByteCount }
        let flushed = resizes.last { changes[$0].state == .flushed }
        switch cut {
        case .everything: return resizes.last
        case .onlyFlushed: return flushed
        case .byChance: break
        }
        let choices = resizes.filter { $0 >= flushed ?? 0 }
        guard !choices.isEmpty else { return flushed }
        let last: Int?
        switch stream.below(4) {
        case 0: last = choices.last
        case 1:
            let place = stream.below(choices.count + 1)
            last = place == 0 ? flushed : choices[place - 1]
        default: last = choices.last { $0 <= kept.lastWhole ?? -1 }
        }
        return last ?? flushed
    }

    private func write(
        _ change: Change, _ index: Int, _ sectors: [Int: Int], _ image: inout DiskImage
    ) {
        guard !change.data.isEmpty else { return }
        let end = change.offset + change.data.count
        // Neighbouring sectors are written together.
        var start: Int?
        func put(upTo limit: Int) {
            guard let first = start else { return }
            let base = change.data.startIndex - change.offset
            image.write(change.data[base + first..<base + limit], at: first)
            start = nil
        }
        for sector in self.sectors(change) {
            let place = max(change.offset, sector * Self.sectorByteCount)
            if let last = sectors[sector], last >= index {
                if start == nil { start = place }
            } else {
                put(upTo: place)
            }
        }
        put(upTo: end)
    }

    /// Cuts the file: as a whole if the disk has that length, else where sectors were written later.
    private func clear(
        from end: Int, _ index: Int, _ last: Int?, _ sectors: [Int: Int], _ image: inout DiskImage
    ) {
        if let last, last >= index {
            image.clear(from: end)
            return
        }
        for (sector, change) in sectors where change >= index {
            let limit = (sector + 1) * Self.sectorByteCount
            if limit > end { image.clear(max(end, sector * Self.sectorByteCount)..<limit) }
        }
    }
}
