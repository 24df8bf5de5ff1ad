package dev.isoflop.db.sweep;

import org.springframework.data.jpa.repository.JpaRepository;

interface SweepRepository extends JpaRepository<SweepEntity, Long> {

    boolean existsByExperimentIdAndName(long experimentId, String name);
}
