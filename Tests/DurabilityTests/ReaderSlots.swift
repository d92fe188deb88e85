import Foundation

/// The slots of readers in the file `lock.mdb`, as LMDB 0.9 lays them out on 64-bit machines.
///
/// Reading them opens and closes the file, as a program does that copies the directory.
struct ReaderSlots {
    struct Slot: Equatable {
        /// The process; 0 if the slot is free.
        let processID: Int32
        let snapshot: UInt64
    }

    private let url: URL
    private static let (countOffset, firstOffset, byteCount) = (56, 128, 64)

    init(of store: String) { url = URL(fileURLWithPath: store + "/lock.mdb") }

    /// The slots that were ever in use.
    func read() throws -> [Slot] {
        let bytes = [UInt8](try Data(contentsOf: url))
        let count = Int(integer(bytes, Self.countOffset, 4))
        return (0..<count).map { place in
            let offset = Self.firstOffset + place * Self.byteCount
            return Slot(
                processID: Int32(truncatingIfNeeded: integer(bytes, offset + 8, 4)),
                snapshot: integer(bytes, offset, 8))
        }
    }

    /// How many a process has.
    func count(of process: Int32) throws -> Int {
        try read().count { $0.processID == process }
    }

    /// Adds a slot, as a process leaves that is killed.
    func add(_ slot: Slot) throws {
        let count = try read().count
        let file = try FileHandle(forUpdating: url)
        defer { try? file.close() }
        try write(slot.snapshot, 8, at: Self.firstOffset + count * Self.byteCount, file)
        try write(
            UInt64(slot.processID), 4, at: Self.firstOffset + count * Self.byteCount + 8, file)
        try write(UInt64(count + 1), 4, at: Self.countOffset, file)
    }

    private func write(
        _ value: UInt64, _ byteCount: Int, at offset: Int, _ file: FileHandle
    ) throws {
        try file.seek(toOffset: UInt64(offset))
        let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        try file.write(contentsOf: Data(bytes))
    }

    private func integer(_ bytes: [UInt8], _ offset: Int, _ byteCount: Int) -> UInt64 {
        bytes[offset..<offset + byteCount].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
