import { join } from 'node:path';
import type { Database } from '@holdfast/common/database';
import type { Lifecycle } from '@holdfast/common/lifecycle';
import type { Logger } from '@holdfast/common/logging';
import { incomingFolder } from '@holdfast/lafs';
import { Credentials } from './accounts/credentials.js';
import { Collecting } from './collection/collecting.js';
import type { StorageConfiguration } from './configuration.js';
import { DamageRecords } from './damage/damage-records.js';
import type { DamagedShares } from './damage/damaged-shares.js';
import { BodySpool } from './http/body-spool.js';
import type { Service } from './http/request-listener.js';
import { abortUpload } from './http/routes/abort-upload.js';
import { allocateShares } from './http/routes/allocate-shares.js';
import { findShares } from './http/routes/find-shares.js';
import { listShares } from './http/routes/list-shares.js';
import { readShare } from './http/routes/read-share.js';
import { readTestWrite } from './http/routes/read-test-write.js';
import { readWholeShares } from './http/routes/read-whole-shares.js';
import { renewLease } from './http/routes/renew-lease.js';
import { reportCorruption } from './http/routes/report-corruption.js';
import { storeWholeShares } from './http/routes/store-whole-shares.js';
import { version } from './http/routes/version.js';
import { writeShare } from './http/routes/write-share.js';
import { LeaseKeeping } from './leases/lease-keeping.js';
import type { Leaving } from './leaving/leaving.js';
import type { StorageMetrics } from './metrics.js';
import { SlotFolder } from './mutable/slot-folder.js';
import { SlotJournal } from './mutable/slot-journal.js';
import { Slots } from './mutable/slots.js';
import { CorruptionReports } from './records/corruption-reports.js';
import { LeaseRecords } from './records/lease-records.js';
import { PlacedRecords } from './records/placed-records.js';
import { ShareRecords } from './records/share-records.js';
import { SlotRecords } from './records/slot-records.js';
import type { Generation } from './recovery/generation.js';
import { settleComing } from './recovery/settle-coming.js';
import { ShareAdoption } from './recovery/share-adoption.js';
import type { StandingWatch } from './recovery/standing-watch.js';
import { Walking } from './recovery/walking.js';
import { Scrub } from './scrub/scrub.js';
import { ScrubRecords } from './scrub/scrub-records.js';
import type { ShareBackend } from './share-backend/share-backend.js';
import { Space } from './space/space.js';
import { PlacedShares } from './uploads/placed-shares.js';
import { Uploads } from './uploads/uploads.js';
import { Admission } from './usage/admission.js';
import { closeHoursInTime } from './usage/close-hours.js';
import { Quotas } from './usage/quota.js';
import { recountTotals } from './usage/recount.js';
import { usageAt } from './usage/totals.js';

/** What the service is built on. */
export interface ServiceParts {
  readonly configuration: StorageConfiguration;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  readonly metrics: StorageMetrics;
  readonly backend: ShareBackend;
  readonly damaged: DamagedShares;
  readonly database: Database;
  /** This server's key in the database. */
  readonly server: number;
  /** The share folder. */
  readonly shareFolder: string;
  /** This server's tub id, 20 bytes. */
  readonly tubId: Uint8Array;
  readonly release: string;
  readonly generation: Generation;
  readonly standing: StandingWatch;
  readonly leaving: Leaving;
}

/** Settles what the last run left, and builds what answers requests. */
export async function composeService(parts: ServiceParts): Promise<Service> {
  const { configuration, logger, lifecycle, metrics, backend, damaged, database, server, release, leaving } =
    parts;
  const leaseDuration = configuration.leases.duration;
  lifecycle.add('damaged shares', await damaged.open(new DamageRecords(database, server)));
  const largestMutable = configuration.shares.largest_mutable;
  const space = new Space(() => backend.freeSpace(), configuration.shares.reserved_space);
  const quotas = new Quotas(database);
  const slots = new Slots({
    folder: new SlotFolder(parts.shareFolder, parts.damaged),
    journal: new SlotJournal(parts.shareFolder),
    records: new SlotRecords(database, server, leaseDuration, quotas),
    space,
    leaving,
    logger,
    nodeId: parts.tubId,
    largestShare: largestMutable,
    isAnyComing: (storageIndex) => uploads.isAnyComing(storageIndex),
  });
  const spool = new BodySpool(join(parts.shareFolder, incomingFolder), space);
  const slotsRecovered = await slots.recover();
  if (Object.values(slotsRecovered).some((count) => count > 0))
    logger.info(slotsRecovered, 'settled the changes of mutable files that the last run left');
  lifecycle.add('slots', slots.start());

  const records = new ShareRecords(database, server, leaseDuration);
  const mark = await parts.generation.mark();
  const adoption = new ShareAdoption({
    backend,
    database,
    server,
    leaseDuration,
    // Without a mark of ours, or while they are being adopted, these are shares that others filled the folder with.
    accountOf: (owner) => (mark === undefined || mark.adopting ? undefined : owner),
  });
  const settled = await settleComing(records, adoption);
  if (settled.kept + settled.forgotten > 0)
    logger.info(settled, 'settled the uploads that the last run left');
  for (const wrong of await recountTotals(database, server))
    logger.warn(wrong, 'the totals of an account were not those of its leases; counted anew');
  lifecycle.add('metering', closeHoursInTime(database, server, logger));

  const leaseRecords = new LeaseRecords(database, server, leaseDuration);
  const admission = new Admission(quotas, records, leaseRecords);
  const leases = new LeaseKeeping({ backend, adoption, leases: leaseRecords, admission });
  const {
    open: mostOpen,
    open_per_account: mostOpenOfOne,
    abandoned_after: abandonedAfter,
  } = configuration.uploads;
  const placedRecords = new PlacedRecords(database, server, leaseDuration);
  const uploads = new Uploads({
    backend,
    records,
    placedShares: new PlacedShares({ backend, database, server, records: placedRecords, admission }),
    adoption,
    admission,
    space,
    quarantine: damaged,
    leaving,
    logger,
    mostOpen,
    mostOpenOfOne,
    abandonedAfter,
    leastPace: configuration.limits.slowest,
    holdsMutable: (storageIndex) => slots.holdsAny(storageIndex),
  });
  lifecycle.add('uploads', uploads.start());
  metrics.watch(uploads, space, damaged);
  metrics.watchUsage(() => usageAt(database, server));
  const scrub = configuration.scrub.enabled
    ? new Scrub({
        backend,
        isComing: (share) => uploads.isComing(share),
        shares: records,
        records: new ScrubRecords(database, server),
        quarantine: damaged,
        metrics,
        logger,
        bytesPerSecond: configuration.scrub.bytes_per_second,
        every: configuration.scrub.every,
      })
    : undefined;
  if (scrub) lifecycle.add('scrub', scrub.start());
  metrics.watchRecords(parts.standing);
  metrics.watchLeaving(leaving);
  const { enabled: collects, every, pace } = configuration.collection;
  const { generation, standing } = parts;
  const walking = new Walking({
    backend,
    records,
    adoption,
    isUploading: (share) => uploads.isUploading(share),
    quarantine: damaged,
    generation,
    standing,
    metrics,
    logger,
  });
  standing.onceCurrent(() => lifecycle.add('walk over all shares', walking.start()));
  const collecting = new Collecting({
    backend,
    database,
    server,
    generation,
    standing,
    every,
    pace,
    leaseDuration,
    metrics,
    logger,
  });
  if (collects) standing.onceCurrent(() => lifecycle.add('collection', collecting.start()));

  const reports = new CorruptionReports(database, server);
  const credentials = new Credentials(database, server);
  await Promise.all([credentials.reload(), leaving.reload()]);
  return {
    credentials,
    records: parts.standing,
    handlers: {
      version: version({
        space,
        records: parts.standing,
        leaving,
        largestMutable,
        applicationVersion: `holdfast/${release}`,
      }),
      allocateShares: allocateShares({ uploads, leases, leaseDuration }),
      listShares: listShares({ backend }),
      writeShare: writeShare({ uploads, metrics }),
      readShare: readShare({ backend, metrics }),
      abortUpload: abortUpload({ uploads, backend }),
      reportCorruption: reportCorruption({ backend, reports, scrub, logger }),
      renewLease: renewLease({ leases }),
      storeWholeShares: storeWholeShares({ uploads, leases, leaseDuration, metrics }),
      readWholeShares: readWholeShares({ backend, metrics }),
      findShares: findShares({ backend, metrics }),
      readTestWrite: readTestWrite({ slots, spool, metrics, largestMutable, leaseDuration }),
      listMutableShares: listShares({ backend: slots }),
      readMutableShare: readShare({ backend: slots, metrics }),
      reportMutableCorruption: reportCorruption({ backend: slots, reports, scrub, logger }),
    },
  };
}
