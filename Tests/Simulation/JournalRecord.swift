package import Foundation

/// A record of a journal: a call that changed or flushed a file or a directory.
///
/// `SimulatedCalls.h` describes its bytes.
package struct JournalRecord: Equatable, Sendable {
    /// What was done; the numbers are those of `SimulatedCalls.h`.
    package enum Kind: UInt32, Sendable {
        case create = 2, write, flush, flushNames, resize, allocate, rename, remove, makeDirectory
    }

    /// What else is known of the call; the numbers are those of `SimulatedCalls.h`.
    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// A write that is flushed by itself.
        package static let through = Flags(rawValue: 1)
        /// A further name of a file that is there already.
        package static let link = Flags(rawValue: 2)
        /// A rename that exchanges two names.
        package static let exchange = Flags(rawValue: 4)
    }

    package var kind: Kind
    /// The number of the process.
    package var process: UInt32 = 0
    /// The error of a flush that failed, or 0.
    package var error: UInt32 = 0
    /// The number (`st_ino`) of the file; of a change of names, the directory's.
    package var file: UInt64
    /// The number of the new file, or of the other directory of a rename.
    package var other: UInt64 = 0
    package var offset = 0
    package var length = 0
    package var name = ""
    package var otherName = ""
    package var flags: Flags = []
    package var data = Data()

    /// Creates a record.
    package init(_ kind: Kind, file: UInt64) { (self.kind, self.file) = (kind, file) }

    private static let headByteCount = 64

    /// Reads the record at a place of a journal, and moves the place behind it.
    ///
    /// - Returns: `nil` at the end, and where the last record is not whole: its process was killed.
    /// - Throws: ``DiskError`` if there is no record.
    package init?(_ journal: Data, at place: inout Int) throws {
        let start = place
        guard journal.endIndex - start >= Self.headByteCount else { return nil }
        func number(_ offset: Int, _ byteCount: Int) -> UInt64 {
            var number: UInt64 = 0
            for index in (0..<byteCount).reversed() {
                number = number << 8 | UInt64(journal[start + offset + index])
            }
            return number
        }
        func word(_ offset: Int) -> UInt32 { UInt32(truncatingIfNeeded: number(offset, 4)) }
        let byteCount = Int(word(0))
        guard journal.endIndex - start >= byteCount else { return nil }
        let (nameCount, otherCount, dataCount) = (Int(word(48)), Int(word(52)), Int(word(56)))
        guard let kind = Kind(rawValue: word(4)),
            byteCount == Self.headByteCount + nameCount + otherCount + dataCount + 2
        else { throw DiskError("The journal has no record at byte \(start).") }
        self.kind = kind
        process = word(8)
        error = word(12)
        file = number(16, 8)
        other = number(24, 8)
        offset = Int(truncatingIfNeeded: number(32, 8))
        length = Int(truncatingIfNeeded: number(40, 8))
        flags = Flags(rawValue: word(60))
        var next = start + Self.headByteCount
        name = String(decoding: journal[next..<next + nameCount], as: UTF8.self)
        next += nameCount + 1
        otherName = String(decoding: journal[next..<next + otherCount], as: UTF8.self)
        next += otherCount + 1
        data = journal[next..<next + dataCount]
        place = start + byteCount
    }

    /// Its bytes in a journal.
    package var encoded: Data {
        var bytes = Data()
        func append(_ number: UInt64, _ byteCount: Int) {
            for index in 0..<byteCount {
                bytes.append(UInt8(truncatingIfNeeded: number >> (8 * index)))
            }
        }
        let (first, second) = (Data(name.utf8), Data(otherName.utf8))
        let byteCount = Self.headByteCount + first.count + second.count + data.count + 2
        append(UInt64(byteCount), 4)
        append(UInt64(kind.rawValue), 4)
        append(UInt64(process), 4)
        append(UInt64(error), 4)
        append(file, 8)
        append(other, 8)
        append(UInt64(offset), 8)
        append(UInt64(length), 8)
        append(UInt64(first.count), 4)
        append(UInt64(second.count), 4)
        append(UInt64(data.count), 4)
        append(UInt64(flags.rawValue), 4)
        for name in [first, second] {
            bytes.append(name)
            bytes.append(0)
        }
        bytes.append(data)
        return bytes
    }
}

/// What is wrong with a journal, or with a tree that a disk reads or writes.
package struct DiskError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
