import Foundation
import GRDB
import Testing

@testable import Worker

/// SQLite's log and its index as SQLite itself writes them, whole, cut off and damaged.
final class WriteAheadLogTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("wal-\(UUID().uuidString)")

    deinit { try? FileManager.default.removeItem(at: folder) }

    private static let frameSize = 24 + 4096

    /// What three commits leave, of one page each: the log and its index.
    private func files() throws -> (log: [UInt8], index: [UInt8]) {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appendingPathComponent("test.sqlite").path
        let pool = try DatabasePool(path: path)
        try pool.write { try $0.execute(sql: "CREATE TABLE IF NOT EXISTS t (x)") }
        _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        for number in 1...3 { try pool.write { try $0.execute(sql: "INSERT INTO t VALUES (?)", arguments: [number]) } }
        let log = try #require(try StateDirectory.read(path + "-wal"))
        let index = try #require(try StateDirectory.read(path + "-shm"))
        try pool.close()
        return (log, index)
    }

    @Test func aLogOfSQLiteIsWhole() throws {
        let (file, index) = try files()
        let log = WriteAheadLog(file)
        #expect(log.standing == .whole && log.committedFrames == 3)
        let found = try #require(WriteAheadIndex(index))
        #expect(found.committedFrames == 3 && found.salt == log.salt.map(Array.init))
        #expect(WriteAheadLog([]).standing == .whole)
    }

    @Test func whatWasCutOffIsTornAndNotDamaged() throws {
        let (file, _) = try files()
        for length in stride(from: 1, to: file.count, by: 111) {
            let log = WriteAheadLog(Array(file[..<length]))
            if case .damaged = log.standing { Issue.record("cut at \(length): \(log.standing)") }
            #expect(log.committedFrames == max(0, length - 32) / WriteAheadLogTests.frameSize)
        }
    }

    @Test func everyFlippedBitBeforeTheLastFrameIsDamage() throws {
        let (file, _) = try files()
        let last = file.count - WriteAheadLogTests.frameSize
        // All of the headers, and some of the pages.
        let bits = Array(0..<(32 + 24) * 8) + Array(stride(from: (32 + 24) * 8, to: last * 8, by: 1013))
        for bit in bits {
            var flipped = file
            flipped[bit / 8] ^= 1 << (bit % 8)
            guard case .damaged(let frame) = WriteAheadLog(flipped).standing else {
                Issue.record("bit \(bit) is silent: \(WriteAheadLog(flipped).standing)")
                continue
            }
            #expect(frame == (bit / 8 < 32 ? 0 : (bit / 8 - 32) / WriteAheadLogTests.frameSize + 1), "bit \(bit)")
        }
    }

    @Test func damageOfTheLastFrameIsSeenByTheIndex() throws {
        let (file, index) = try files()
        let last = file.count - WriteAheadLogTests.frameSize
        for bit in Array(last * 8..<(last + 24) * 8)
            + Array(stride(from: (last + 24) * 8, to: file.count * 8, by: 1013))
        {
            var flipped = file
            flipped[bit / 8] ^= 1 << (bit % 8)
            let log = WriteAheadLog(flipped)
            #expect(log.standing != .whole)
            let remains = JournalRemains(
                log: log, index: WriteAheadIndex(index), mark: JournalMark(epoch: 1, boot: "a"), boot: "a")
            guard case .lost = remains.finding else {
                Issue.record("bit \(bit): \(String(describing: remains.finding))")
                continue
            }
        }
    }

    @Test func framesOfAnEarlierFillingAreNoPartOfIt() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appendingPathComponent("test.sqlite").path
        let pool = try DatabasePool(path: path)
        try pool.write { db in
            try db.execute(sql: "CREATE TABLE t (x)")
            for _ in 0..<20 { try db.execute(sql: "INSERT INTO t VALUES (randomblob(4000))") }
        }
        // The log is begun anew from its first frame; what stands behind it stays.
        _ = try pool.writeWithoutTransaction { try $0.checkpoint(.restart) }
        try pool.write { try $0.execute(sql: "INSERT INTO t VALUES (1)") }
        let file = try #require(try StateDirectory.read(path + "-wal"))
        let log = WriteAheadLog(file)
        #expect(log.standing == .whole && (1...4).contains(log.committedFrames))
        #expect(file.count > 10 * WriteAheadLogTests.frameSize)
        try pool.close()
    }

    @Test func whatWasNotCommittedIsNotCounted() throws {
        let (file, _) = try files()
        // The last frame says that no commit ends with it.
        var open = file
        let last = file.count - WriteAheadLogTests.frameSize
        for place in 4..<8 { open[last + place] = 0 }
        #expect(WriteAheadLog(open).committedFrames == 2)
    }

    @Test func garbageIsNoIndex() throws {
        var (_, index) = try files()
        #expect(WriteAheadIndex([]) == nil && WriteAheadIndex([UInt8](repeating: 0, count: 200)) == nil)
        index[16] ^= 1
        #expect(WriteAheadIndex(index) == nil, "both copies are the same")
        index[48 + 16] ^= 1
        #expect(WriteAheadIndex(index) == nil, "and have their checksum")
    }
}
