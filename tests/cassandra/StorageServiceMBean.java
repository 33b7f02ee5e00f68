/** What the tests ask a node for. */
public interface StorageServiceMBean {
    String getOperationMode();

    boolean isJoined();

    void drain();
}
