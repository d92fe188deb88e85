#if Server
    import Testing

    @testable import CodexflowServer

    /// The memory that requests share.
    @Suite("Memory of the server")
    struct MemoryBudgetTests {
        private let budget = MemoryBudget(limit: 1 << 20)

        @Test("Small requests have all of it, to the last byte")
        func limit() {
            let small = MemoryReservation.smallByteCountMax
            let all = (0..<16).map { _ in MemoryReservation(budget) }
            for reservation in all.dropLast() {
                let isGranted = reservation.grow(by: small)
                #expect(isGranted)
            }
            let last = all[15]
            for (count, isGranted) in [(small - 1, true), (2, false), (1, true), (1, false)] {
                #expect(last.grow(by: count) == isGranted, "\(count)")
            }
            #expect(budget.usedByteCount == budget.limit)
        }

        @Test("A request is large past 64 KiB, and large ones leave a quarter")
        func large() {
            let limit = budget.limit / 4 * 3
            let large = MemoryReservation(budget)
            for (count, isGranted) in [(limit - 1, true), (2, false), (1, true), (1, false)] {
                #expect(large.grow(by: count) == isGranted, "\(count)")
            }
            let small = MemoryReservation(budget)
            for (count, isGranted) in [
                (MemoryReservation.smallByteCountMax, true), (1, false),
            ] {
                #expect(small.grow(by: count) == isGranted, "\(count)")
            }
        }

        @Test("What a request had is free once it is gone, or releases it")
        func returns() {
            var reservation: MemoryReservation? = MemoryReservation(budget)
            let isGranted = reservation?.grow(by: 1000)
            #expect(isGranted == true && budget.usedByteCount == 1000)
            reservation?.shrink(by: 400)
            #expect(budget.usedByteCount == 600)
            reservation?.shrink(by: Int.max)
            #expect(budget.usedByteCount == 0)
            reservation?.recount(2 << 20)
            #expect(budget.usedByteCount == 2 << 20)
            reservation?.recount(1)
            #expect(budget.usedByteCount == 1)
            reservation = nil
            #expect(budget.usedByteCount == 0)
        }

        @Test("Answers that are not taken leave a quarter, and large requests wait for them")
        func answers() {
            let small = MemoryReservation.smallByteCountMax
            let answers = (0..<40).map { _ in MemoryReservation(budget) }
            for answer in answers {
                // Some of it was reserved while the answer was made.
                let isGranted = answer.grow(by: small / 2)
                #expect(isGranted)
                answer.recount(small)
            }
            #expect(budget.usedByteCount == 40 * small)
            let isLargeGranted = MemoryReservation(budget).grow(by: small + 1)
            #expect(!isLargeGranted)
            let requests = (0..<5).map { _ in MemoryReservation(budget) }
            #expect(requests.map { $0.grow(by: small) } == [true, true, true, true, false])
            for answer in answers { answer.shrink(by: Int.max) }
            #expect(budget.usedByteCount == 4 * small)
            let isGrantedThen = requests[4].grow(by: small)
            #expect(isGrantedThen)
        }

        @Test("A request that becomes large leaves the small ones' share")
        func moves() {
            let small = MemoryReservation.smallByteCountMax
            let large = MemoryReservation(budget)
            let isGranted = large.grow(by: small) && large.grow(by: budget.limit / 4 * 3 - small)
            #expect(isGranted)
            let requests = (0..<5).map { _ in MemoryReservation(budget) }
            #expect(requests.map { $0.grow(by: small) } == [true, true, true, true, false])
            large.shrink(by: 1)
            #expect(budget.usedByteCount == budget.limit - 1)
        }

        @Test("Counts of any size do not overflow")
        func extremes() {
            let reservation = MemoryReservation(budget)
            for count in [Int.max, Int.max - 1, budget.limit + 1] {
                let isGranted = reservation.grow(by: count)
                #expect(!isGranted)
            }
            let isGranted = MemoryReservation(MemoryBudget(limit: 0)).grow(by: 1)
            #expect(!isGranted)
        }
    }
#endif
