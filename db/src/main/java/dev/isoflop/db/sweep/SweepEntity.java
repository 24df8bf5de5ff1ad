package dev.isoflop.db.sweep;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import jakarta.persistence.Version;
import java.time.Instant;
import org.hibernate.annotations.ColumnTransformer;
import org.hibernate.annotations.DynamicUpdate;
import org.hibernate.annotations.Generated;
import org.jspecify.annotations.Nullable;

/**
 * A planned set of runs. What it asked for never changes; where it stands is in its runs. The one thing that happens to
 * the sweep itself is its cancellation.
 */
@Entity
@Table(name = "sweep")
@DynamicUpdate
public class SweepEntity {

    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    private @Nullable Long id;

    @Column(updatable = false)
    private long experimentId;

    @Column(updatable = false)
    private String name;

    @Column(updatable = false, columnDefinition = "json")
    @ColumnTransformer(write = "?::json")
    private String spec;

    @Column(updatable = false)
    private String specHash;

    @Column(updatable = false)
    private @Nullable String datasetId;

    @Column(updatable = false)
    private double plannedFlops;

    @Column(updatable = false, columnDefinition = "jsonb")
    @ColumnTransformer(write = "?::jsonb")
    private String dropped;

    private @Nullable Instant cancelledAt;

    @Generated
    @Column(insertable = false, updatable = false)
    private @Nullable Instant createdAt;

    @Version
    private long version;

    @SuppressWarnings("NullAway.Init") // filled by Hibernate
    protected SweepEntity() {}

    /**
     * @param specJson the specification with its defaults filled in
     * @param specHash SHA-256 of it
     * @param datasetId absent where the runs train on none of ours
     * @param droppedJson Views.Dropped[]
     */
    public SweepEntity(
            long experimentId,
            String name,
            String specJson,
            String specHash,
            @Nullable String datasetId,
            double plannedFlops,
            String droppedJson) {
        this.experimentId = experimentId;
        this.name = name;
        this.spec = specJson;
        this.specHash = specHash;
        this.datasetId = datasetId;
        this.plannedFlops = plannedFlops;
        this.dropped = droppedJson;
    }

    /** Marks it; once marked none of its runs goes back to the queue. A second cancellation changes nothing. */
    void cancel(Instant now) {
        if (cancelledAt == null) {
            cancelledAt = now;
        }
    }

    public long id() {
        Long stored = id;
        if (stored == null) {
            throw new IllegalStateException("the sweep is not stored yet");
        }
        return stored;
    }

    public long experimentId() {
        return experimentId;
    }

    public String name() {
        return name;
    }

    public String specJson() {
        return spec;
    }

    public String specHash() {
        return specHash;
    }

    public @Nullable String datasetId() {
        return datasetId;
    }

    public double plannedFlops() {
        return plannedFlops;
    }

    public String droppedJson() {
        return dropped;
    }

    public @Nullable Instant cancelledAt() {
        return cancelledAt;
    }

    public @Nullable Instant createdAt() {
        return createdAt;
    }

    public long version() {
        return version;
    }
}
