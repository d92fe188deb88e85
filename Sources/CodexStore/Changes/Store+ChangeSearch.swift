package import CodexCore
package import FoundationEssentials

// Reads of the log that continue at a known place, so that they do not read a segment from its
// start.

extension Store {
    /// Calls `body` with the changes after a place, up to a change.
    ///
    /// - Parameters:
    ///   - cursor: The place.
    ///   - end: The last change to read, for example that of a snapshot.
    ///   - view: The images that the changes have.
    ///   - filter: The changes to read.
    ///   - body: Gets the changes, in the order of their commits.
    /// - Returns: The place from which to continue.
    /// - Throws: ``CodexError/Code/changesTrimmed``, ``CodexError/Code/corrupted``, and the errors
    ///   of `body`.
    package func catchUp(
        after cursor: ChangeCursor, through end: SequenceNumber, view: StreamView,
        filter: ChangeFilter, _ body: (ChangeRecord) throws -> Void
    ) throws -> ChangeCursor {
        let reader = ChangeReader(core, from: cursor.startingPoint, view, filter)
        repeat {
            for change in try reader.read(1000) {
                // The changes of a commit belong together, and `end` is that of a whole commit.
                guard change.sequenceNumber <= end else { return change.commitCursor }
                try body(change)
            }
        } while reader.endID == nil
        return ChangeCursor(
            sequenceNumber: SequenceNumber(commit: reader.commit), position: reader.position)
    }

    /// The time of the first change after a place that passes a filter; `nil` if there is none.
    ///
    /// If more than `byteCountMax` bytes of the log have no such change, the result is the time of
    /// a commit after these bytes.
    ///
    /// - Throws: ``CodexError/Code/changesTrimmed``, ``CodexError/Code/corrupted``.
    /// - Complexity: Reads the log from the place, and at most 4 MiB or one record more than
    ///   `byteCountMax` bytes.
    package func firstChange(
        after cursor: ChangeCursor, filter: ChangeFilter, byteCountMax: UInt64
    ) throws -> Date? {
        let reader = ChangeReader(core, from: cursor.startingPoint, .keysOnly, filter)
        repeat {
            if let change = try reader.read(1).first { return change.time }
            guard reader.endID == nil else { return nil }
        } while reader.skippedByteCount <= byteCountMax
        return Date(milliseconds: reader.commitMilliseconds)
    }
}

/// A consumer as a snapshot sees it.
package struct ConsumerPlace: Sendable {
    /// The changes that it gets.
    package let filter: ChangeFilter
    /// Its checkpoint, from which its changes are read.
    package let cursor: ChangeCursor

    /// The last change that is done.
    package var checkpoint: SequenceNumber { cursor.sequenceNumber }
}

extension Snapshot {
    /// A consumer's filter and checkpoint; `nil` if there is no such consumer.
    ///
    /// - Throws: The errors of reading.
    package func consumer(_ name: String) throws -> ConsumerPlace? {
        do {
            let state = try ConsumerReads(reader).consumer(name)
            return ConsumerPlace(
                filter: state.filter,
                cursor: ChangeCursor(
                    sequenceNumber: state.sequenceNumber, position: state.logPosition))
        } catch CodexError.Code.unknownConsumer {
            return nil
        }
    }

    /// The place after the last change that the snapshot sees.
    ///
    /// - Throws: The errors of reading.
    package var cursor: ChangeCursor {
        get throws {
            let position = try reader.storedPosition()
            return ChangeCursor(
                sequenceNumber: SequenceNumber(commit: position.sequence), position: position)
        }
    }
}
