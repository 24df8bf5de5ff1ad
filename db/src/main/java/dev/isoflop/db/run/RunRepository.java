package dev.isoflop.db.run;

import java.util.List;
import org.springframework.data.jpa.repository.JpaRepository;

/** For reading. Runs are made by {@link RunStore} and changed by {@link RunTransitions}. */
public interface RunRepository extends JpaRepository<RunEntity, Long> {

    List<RunEntity> findBySweepIdOrderById(long sweepId);
}
