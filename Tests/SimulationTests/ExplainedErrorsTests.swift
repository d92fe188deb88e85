import Testing

@testable import Simulation

/// Which errors an injected failure explains.
@Suite("Errors that injected failures explain")
struct ExplainedErrorsTests {
    private static func explains(
        _ errors: ExplainedErrors, _ code: String, _ command: Request.Name = .write,
        in process: Int = 1, isFaulted: Bool = false
    ) -> Bool {
        errors.explains(code, of: command, in: process, isFaulted: isFaulted)
    }

    @Test("Without a failure, only refusals have a reason")
    func none() {
        let errors = ExplainedErrors()
        for code in ["conditionFailed", "uniqueViolation", "notFound", "versionMismatch"] {
            #expect(Self.explains(errors, code))
            #expect(!Self.explains(errors, code, .read))
        }
        for command in [Request.Name.removeIndex, .removeCounter, .removeTimeToLive] {
            #expect(Self.explains(errors, "unknownIndex", command))
            #expect(!Self.explains(errors, "schemaMismatch", command))
        }
        #expect(Self.explains(errors, "schemaMismatch", .addTimeToLive))
        #expect(Self.explains(errors, "consumerMoved", .consume))
        for code in ["writesRefused", "outcomeUnknown", "inputOutput", "diskFull", "notCovered"] {
            #expect(!Self.explains(errors, code))
        }
        #expect(!Self.explains(errors, "conditionFailed", .checkpoint))
        #expect(!Self.explains(errors, "unknownIndex", .addIndex))
    }

    @Test("A failed call explains the errors of its own command alone")
    func own() {
        var errors = ExplainedErrors()
        errors.callFailed(.create, with: 24, in: 0)
        for code in ["outcomeUnknown", "inputOutput", "limitReached", "commitFailed"] {
            #expect(Self.explains(errors, code, in: 0, isFaulted: true))
            #expect(!Self.explains(errors, code, in: 1))
        }
        #expect(!Self.explains(errors, "corrupted", in: 0, isFaulted: true))
        #expect(!Self.explains(errors, "limitReached", in: 0))
        // A file that could not be made stops no writers.
        #expect(!Self.explains(errors, "writesRefused", in: 1))
    }

    @Test("After a failed flush, all processes refuse writes until one recovers the store alone")
    func refused() {
        for call in [CallKind.write, .flush, .flushNames, .rename] {
            var errors = ExplainedErrors()
            errors.callFailed(call, with: 5, in: 0)
            #expect(Self.explains(errors, "writesRefused", in: 1))
            #expect(!Self.explains(errors, "outcomeUnknown", in: 1))
            errors.closed(by: 0)
            #expect(Self.explains(errors, "writesRefused", in: 1))
            errors.recovered()
            #expect(!Self.explains(errors, "writesRefused", in: 1))
        }
    }

    @Test("A failure in the files of a backup or a copy explains nothing of the store")
    func copies() {
        var errors = ExplainedErrors()
        errors.callFailed(.flush, with: 5, in: 0, isOfStore: false)
        #expect(Self.explains(errors, "outcomeUnknown", .follow, in: 0, isFaulted: true))
        #expect(!Self.explains(errors, "writesRefused", in: 1))
        #expect(!Self.explains(errors, "inputOutput", .write, in: 0))
        #expect(!errors.mayTrimCopies)
        errors.callFailed(.write, with: 28, in: 0, isOfStore: false)
        #expect(!errors.mayBeTrimmed && errors.mayTrimCopies)
        #expect(!Self.explains(errors, "changesTrimmed", .consume))
    }

    @Test("What LMDB could not write lasts in its process until that closes the store")
    func lasting() {
        var errors = ExplainedErrors()
        errors.callFailed(.write, with: 28, in: 0)
        #expect(Self.explains(errors, "inputOutput", in: 0))
        #expect(!Self.explains(errors, "inputOutput", in: 1))
        errors.closed(by: 0)
        #expect(!Self.explains(errors, "inputOutput", in: 0))
    }

    @Test("A compaction that replaced the data file and failed explains that no process opens it")
    func detached() {
        var errors = ExplainedErrors()
        errors.callFailed(.flush, with: 5, in: 0)
        errors.compactionFailed(with: "diskFull", in: 0)
        #expect(!Self.explains(errors, "filesReplaced", .open, in: 1))
        errors.compactionFailed(with: "closed", in: 0)
        #expect(Self.explains(errors, "filesReplaced", .open, in: 1))
        #expect(!Self.explains(errors, "filesReplaced", .write, in: 1))
        #expect(!ExplainedErrors.endsUse("filesReplaced"))
        errors.closed(by: 1)
        #expect(Self.explains(errors, "filesReplaced", .open, in: 1))
        errors.closed(by: 0)
        #expect(!Self.explains(errors, "filesReplaced", .open, in: 1))
    }

    @Test("A full disk explains that history is gone, and other failures do not")
    func trimmed() {
        var errors = ExplainedErrors()
        errors.callFailed(.write, with: 5, in: 0)
        #expect(!Self.explains(errors, "changesTrimmed", .consume))
        errors.callFailed(.allocate, with: 28, in: 0)
        #expect(errors.mayBeTrimmed)
        #expect(Self.explains(errors, "changesTrimmed", .consume))
        #expect(!ExplainedErrors.endsUse("changesTrimmed"))
        #expect(!ExplainedErrors.endsUse("diskFull"))
        #expect(ExplainedErrors.endsUse("outcomeUnknown"))
    }
}
