procedure TMain.FormCreate(Sender: TObject);
begin
  Server.Port := 5414;
  Server.MaxMessageSize := 1024 * 1024;
  Server.Active := True;
end;

procedure TMain.ServerConnect(Connection: TsgcWSConnection);
begin
  Connection.Data := TVisit.Create;
  Server.Broadcast(Connection.IP + ' is here', '', '', Connection.Guid);
end;

procedure TMain.ServerMessage(Connection: TsgcWSConnection; const Text: string);
begin
  with TVisit(Connection.Data) do
    Lines := Lines + 1;
  if Text = 'bye' then
    Connection.Close(1000)
  else
    Server.Broadcast(Text, '', '', Connection.Guid);
end;

procedure TMain.ServerDisconnect(Connection: TsgcWSConnection; Code: Integer);
begin
  Connection.Data.Free;
  Server.Broadcast(Connection.IP + ' has left (' + IntToStr(Code) + ')');
end;

procedure TMain.ServerCommandGet(AContext: TIdContext;
  ARequestInfo: TIdHTTPRequestInfo; AResponseInfo: TIdHTTPResponseInfo);
begin
  if ARequestInfo.Document = '/count' then
  begin
    AResponseInfo.ContentText := IntToStr(Server.Count);
    AResponseInfo.ContentType := 'text/plain';
  end
  else
    AResponseInfo.ResponseNo := 404;
end;
